"""FHIR over HTTP: bytes and headers in, an interaction to the engine, bytes and headers out.

A raw ASGI application (`application.FhirApplication`): on the way of a read there are no request or response objects
of a framework. What a request means is decided in this order, one module each:

    request      the head: address (`fhir.address`), parameters (`fhir.url_encoding`), the headers that matter
    negotiation  Accept, _format, _pretty, Content-Type
    acting, browser_cookie  who acts, for whom and why; a browser's token
    headers      If-Match, If-None-Match, If-Modified-Since, If-None-Exist, Prefer, X-Request-Id
    coding       gzip and deflate, both ways
    body         receiving, limiting and decoding what was sent
    interpret    address and method → `fhir.interaction`
    recording    what is put on record before the answer leaves
    answer_form, shape, browsing  the answer as JSON, page or PDF, whole or in part
    render       `Answer` or `FhirError` → status, headers, body
    cors         what a browser needs to be told

`surroundings` is about the whole service: `proxies` that are believed, `hosts` that it is called by, headers for
`protection`; `health` stands beside FHIR, and `openapi` describes all of it. Imports `fhir`, and of `access` whom an
address stands for; the engine is handed in.
https://hl7.org/fhir/R4/http.html
"""
