"""`massage-fhir reindex`: what it repairs, what it leaves alone, and who may write meanwhile."""
