"""Profiles: StructureDefinitions that constrain R4's types, and resources held against them.

https://hl7.org/fhir/R4/profiling.html. Knows nothing of where they come from: a `Shelf` is given the resources.
"""

from service.fhir.profile.problem import Problem, ProfileError
from service.fhir.profile.profile import Held, Profile, canonical_of, compile_profile
from service.fhir.profile.shelf import Shelf, claims, frame_of, is_core, latest, needs

__all__ = [
    "Held",
    "Problem",
    "Profile",
    "ProfileError",
    "Shelf",
    "canonical_of",
    "claims",
    "compile_profile",
    "frame_of",
    "is_core",
    "latest",
    "needs",
]
