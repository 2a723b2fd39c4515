"""What the diagnostics of each error code look like: the sentence of a typical case and the expressions it points at.

For the catalogue in the OpenAPI document only; a code without a row here is shown with its meaning.
"""

from __future__ import annotations

from typing import Final

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "malformed-json": ("The body is not JSON: expected ',' or '}' at byte 214.", "http.body"),
    "duplicate-key": ("The key status occurs twice in one object.", "ServiceRequest.status"),
    "nesting-too-deep": ("The body nests deeper than 64 levels.", "http.body"),
    "number-out-of-range": ("A number has more than 18 significant digits.", "Observation.valueQuantity.value"),
    "body-required": ("A create needs a resource as its body.", "http.body"),
    "body-too-large": ("The body is larger than 10485760 bytes; send it in parts.", "http.body"),
    "request-timeout": ("The body was not there after 30 seconds; send the request again.", "http.body"),
    "url-too-long": ("The URL is longer than 8192 bytes; search with POST to _search instead.", "http.url"),
    "header-invalid": ('If-Match takes entity tags such as W/"3", or *.', "http.If-Match"),
    "encoding-invalid": ("The body is not what its Content-Encoding says.", "http.Content-Encoding"),
    "media-type-unsupported": (
        "The Content-Type must be application/fhir+json, application/json.",
        "http.Content-Type",
    ),
    "not-acceptable": ("The service answers in application/fhir+json or application/json only.", "http.Accept"),
    "fhir-version-unsupported": ("The service speaks FHIR R4: fhirVersion=4.0.", "http.Accept"),
    "type-unknown": ("The URL does not name a resource type of R4; did you mean Patient?", "http.path"),
    "type-mismatch": ("The body is a Task; the URL names ServiceRequest.", "resourceType"),
    "id-mismatch": ("The id in the body must be the id in the URL.", "Patient.id"),
    "id-invalid": ("A logical id has 1 to 64 letters, digits, - and .", "http.path"),
    "element-unknown": ("ServiceRequest has no element prioritty; did you mean priority?", "ServiceRequest.prioritty"),
    "element-missing": ("ServiceRequest.subject is required.", "ServiceRequest.subject"),
    "element-empty": ("An element must not be empty; leave it out.", "Patient.name[0].given"),
    "cardinality": ("Coverage.payor needs at least 1 entry.", "Coverage.payor"),
    "value-invalid": ("A date has the form YYYY, YYYY-MM or YYYY-MM-DD.", "Patient.birthDate"),
    "code-invalid": (
        "The code must be one of draft, active, on-hold, revoked, completed, entered-in-error, unknown.",
        "ServiceRequest.status",
    ),
    "choice-conflict": (
        "ServiceRequest.occurrence[x] is there as occurrencePeriod and occurrenceTiming; send one.",
        "ServiceRequest.occurrencePeriod",
        "ServiceRequest.occurrenceTiming",
    ),
    "reference-type": ("The reference may point at Patient, Group, Location, Device.", "ServiceRequest.subject"),
    "reference-invalid": ("The reference names no entry of the Bundle.", "Bundle.entry[6].resource.subject"),
    "narrative-invalid": ("The narrative must not hold a script element.", "Patient.text.div"),
    "invariant": (
        "tim-1: if there's a duration, there needs to be duration units.",
        "ServiceRequest.occurrenceTiming.repeat",
    ),
    "parameter-required": ("On the type, $expand takes the url of the value set.", "http.url"),
    "code-unknown": ("The code system does not have the code.", "http.code"),
    "codes-untold": ("The codes cannot be told: the service does not hold the CodeSystem http://example.org/codes.",),
    "codes-too-many": (
        "The value set has 20000 codes; ask for pages of at most 10000 by count and offset.",
        "http.count",
    ),
    "resource-subsetted": ("The content is a part of the resource; read the whole.", "CarePlan.meta.tag"),
    "reference-not-found": ("The reference points at a Patient that is not here.", "ServiceRequest.subject"),
    "reference-ambiguous": (
        "The conditional reference matches several resources.",
        "Bundle.entry[2].resource.requester",
    ),
    "reference-unmatched": ("The conditional reference matches no resource.", "Bundle.entry[2].resource.requester"),
    "still-referenced": ("2 resources refer to Patient/1; the first is Condition/7.", "http.path"),
    "not-found": ("There is no Patient/42.", "http.path"),
    "deleted": ("Patient/1 was deleted with version 4; its history is still there.", "http.path"),
    "not-allowed": ("/{type}/{id}/_history takes GET, HEAD, OPTIONS.", "http.method"),
    "operation-unknown": ("Patient has no operation $merge.", "http.path"),
    "not-supported": ("The mode terminology of metadata is not supported; ask for full.", "http.mode"),
    "version-conflict": ('The current version is W/"4"; read it and apply the change again.', "http.If-Match"),
    "version-required": (
        'The change needs If-Match with the version that it is based on, such as W/"3".',
        "http.If-Match",
    ),
    "already-exists": ("The resource exists and If-None-Match: * was sent.", "http.If-None-Match"),
    "multiple-matches": ("The criteria match more than one Patient.", "http.If-None-Exist"),
    "id-taken": ("The criteria match nothing, and the id in the body is taken; leave it out.", "Patient.id"),
    "edit-conflict": ("Others changed the resource at the same time; send the request again.", "http.path"),
    "parameter-unknown": (
        "ServiceRequest has no search parameter perfomer; did you mean performer?",
        "http.perfomer",
    ),
    "parameter-unsupported": ("R4 defines the search parameter near, the service does not support it.", "http.near"),
    "parameter-value": ("authored takes dates such as 2026-01-09 or ge2026-01.", "http.authored"),
    "modifier-unsupported": ("status takes the modifiers :not and :missing.", "http.status:text"),
    "criteria-required": ("A conditional delete needs at least one search parameter.", "http.query"),
    "cursor-invalid": (
        "The page cursor is not one that the service issued; start again from the first page.",
        "http._cursor",
    ),
    "too-costly": ("A Bundle may have at most 1000 entries.", "Bundle.entry"),
    "prefetch-required": (
        "Send the prefetch key conditions, or fhirServer with a token that may read Condition.",
        "prefetch.conditions",
    ),
    "patch-invalid": ("An operation needs op, path and, for add, replace and test, value.", "Patch[0]"),
    "patch-failed": ("The path /name/3 does not exist.", "Patch[1].path"),
    "bundle-type": ("A Bundle posted to the base is a batch or a transaction.", "Bundle.type"),
    "bundle-entry": ("An entry of a transaction needs request.method and request.url.", "Bundle.entry[0].request"),
    "bundle-duplicate": ("Entries 2 and 5 act on the same resource.", "Bundle.entry[5]"),
    "host-unknown": ("The service is not known by the host that the request names.", "http.Host"),
    "unauthenticated": ("The request needs a bearer token.", "http.Authorization"),
    "forbidden": ("The client may not read Condition.", "http.path"),
    "throttled": ("Too many requests; wait 1 second.",),
    "busy": ("The service has no capacity for the request right now; wait 1 second.",),
    "database-unavailable": ("The database cannot be reached right now; wait 5 seconds.",),
    "timeout": ("The request took longer than 10 seconds; narrow it down.",),
    "shutting-down": ("The service is stopping; send the request again.",),
    "internal": ("An unexpected fault, recorded under the request id 7b0e5e0c.",),
}
"""Error code → diagnostics, then the expressions. None of them quotes a value that a client sent about a patient."""
