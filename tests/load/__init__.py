"""`massage-fhir load`: files, what is refused of them, and what is in the database afterwards."""
