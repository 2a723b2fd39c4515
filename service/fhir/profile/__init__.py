"""Profiles: StructureDefinitions that constrain R4's types, and resources held against them.

https://hl7.org/fhir/R4/profiling.html. Knows nothing of where they come from: a `Shelf` is given the resources.
"""

from service.fhir.profile.problem import ProfileError
from service.fhir.profile.profile import Profile, compile_profile
from service.fhir.profile.shelf import Shelf, claims, frame_of, is_core, latest, needs

__all__ = [
    "Profile",
    "ProfileError",
    "Shelf",
    "claims",
    "compile_profile",
    "frame_of",
    "is_core",
    "latest",
    "needs",
]
