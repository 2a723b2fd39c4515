"""What a person sees in a browser: the landing page and the interactive reference, from bundled assets only.

Imported by `app.py` alone. Knows neither FHIR nor the store: the OpenAPI document is handed in as bytes.
"""
