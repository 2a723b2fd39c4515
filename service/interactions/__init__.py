"""What this server does: one module per FHIR interaction, named by the specification, behind the door `perform.py`.

May import `fhir` and `store`; knows neither HTTP nor what any resource type means.
"""
