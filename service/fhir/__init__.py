"""What FHIR R4 says: types, validation, paths, search parameters, bundles, outcomes. Pure.

No I/O, no clock, no framework, no SQL, no massage. Imports nothing of ours; everything else may import it.
"""
