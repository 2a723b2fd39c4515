"""`massage-fhir reindex`: the index rows of stored resources made anew by the extraction of this release.

    rebuild    batches under the locks that writers take, so that clients may go on writing meanwhile
    report     what a person sees of it

Needed after the definition of a search parameter has changed, and after REFERENTIAL_INTEGRITY has been switched on.
Rows that are as they should be are left alone.
"""
