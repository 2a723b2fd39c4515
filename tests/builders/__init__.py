"""Small builders of synthetic resources, as the plain JSON values that `service.fhir.codec.decode` gives.

Each takes what a test cares about and fills in the rest; nobody in them exists. Every builder returns a new value.
"""
