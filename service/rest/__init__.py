"""FHIR over HTTP: bytes and headers in, an interaction to the engine, bytes and headers out.

A raw ASGI application (`application.FhirApplication`): on the way of a read there are no request or response objects
of a framework. What a request means is decided in this order, one module each:

    request      the head: path below the base, query, the headers that matter
    routing      path → address (which kind of place it names) and the methods that the place takes
    query        percent-encoding → parameters
    negotiation  Accept, _format, _pretty, Content-Type
    headers      If-Match, If-None-Match, If-Modified-Since, If-None-Exist, Prefer, X-Request-Id
    coding       gzip and deflate, both ways
    body         receiving, limiting and decoding what was sent
    interpret    address and method → `fhir.interaction`
    render       `Answer` or `FhirError` → status, headers, body
    cors         what a browser needs to be told

`surroundings` is about the whole service: `proxies` that are believed, `hosts` that it is called by, headers for
`protection`. Imports `fhir`, and of `access` whom an address stands for; the engine is handed in.
https://hl7.org/fhir/R4/http.html
"""
