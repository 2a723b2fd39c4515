"""Patches: JSON Patch and FHIRPath Patch, applied to decoded content.

Both leave what they are given untouched and answer with new content, or refuse as a whole with FhirError
patch-invalid (the document is no patch) or patch-failed (it does not apply to the content as it is). The documents
come from outside: every bound on their size, nesting and effort is held here. What they make of a resource is
validated afterwards like any other content. May import `service.fhir.path` and the vocabulary of `service.fhir`.
https://hl7.org/fhir/R4/http.html#patch
"""

from service.fhir.patch.fhirpath_patch import apply_fhirpath_patch
from service.fhir.patch.json_patch import apply_json_patch

__all__ = ["apply_fhirpath_patch", "apply_json_patch"]
