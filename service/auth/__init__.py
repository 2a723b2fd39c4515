"""OAuth over HTTP, as SMART has it: the built-in authorisation server, tokens of other issuers, the gate before FHIR.

Decisions are those of `service.access`; `app` puts the gate into `rest`. https://hl7.org/fhir/smart-app-launch/STU2.2/
"""
