"""Profiles: StructureDefinitions that constrain R4's types, and resources held against them.

https://hl7.org/fhir/R4/profiling.html. Knows nothing of where they come from: `Shelf` is given the resources.
"""

from service.fhir.profile.problem import Problem, ProfileError
from service.fhir.profile.profile import Held, Profile, compile_profile

__all__ = ["Held", "Problem", "Profile", "ProfileError", "compile_profile"]
