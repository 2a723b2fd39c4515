"""`massage-fhir reindex`: the index rows of stored resources made anew by the extraction of this release.

Needed after the definition of a search parameter has changed, and after REFERENTIAL_INTEGRITY has been switched on.
Rows that are as they should be are left alone. `jobs.rebuild` does it, `report` is what a person sees of it.
"""
