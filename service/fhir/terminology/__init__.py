"""What CodeSystem, ValueSet and ConceptMap resources say: codes and their hierarchy, expansions, translations.

https://hl7.org/fhir/R4/terminology-module.html. Pure: whoever asks gathers the resources (`needed.missing` names them)
and hands them in. Searches by sets of codes and the operations share all of it. Imports nothing of `fhir.search`.
"""
