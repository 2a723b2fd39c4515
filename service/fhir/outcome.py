"""What can go wrong, and what FHIR and HTTP call it: categories, error codes, issues, OperationOutcome.

Every failure of the service is one exception, `FhirError`, with an error code out of `ERROR_CODES`:

    FhirError
    └── ErrorCode ── Category ── HTTP status
                 └── issue type (http://hl7.org/fhir/R4/valueset-issue-type.html)

The table is the only place where a failure meets an HTTP status; results that are not failures meet theirs in `Result`.
Diagnostics name parameters, codes and paths and say what would be accepted; they never quote a patient's values.
https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.referral_errors import REFERRAL_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CANONICAL: Final = "https://massage-fhir.example.org/fhir"
"""The root of every canonical URL that this service publishes."""

ERROR_SYSTEM: Final = f"{CANONICAL}/CodeSystem/error-code"

Severity = Literal["fatal", "error", "warning", "information"]


class Category(Enum):
    """The closed set of ways to fail, each with its HTTP status."""

    INVALID = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    NOT_ALLOWED = 405
    NOT_ACCEPTABLE = 406
    REQUEST_TIMEOUT = 408
    CONFLICT = 409
    GONE = 410
    PRECONDITION = 412
    TOO_LARGE = 413
    MEDIA_TYPE = 415
    MISDIRECTED = 421
    RULE = 422
    PRECONDITION_REQUIRED = 428
    THROTTLED = 429
    FAULT = 500
    UNAVAILABLE = 503

    @property
    def status(self) -> int:
        """The HTTP status of the category."""
        return self.value

    @property
    def reason(self) -> str:
        """The reason phrase that goes with the status in a Bundle entry's response."""
        return HTTPStatus(self.value).phrase


class Result(Enum):
    """How an interaction that did not fail ended."""

    OK = "200 OK"
    CREATED = "201 Created"
    ACCEPTED = "202 Accepted"
    DELETED = "204 No Content"
    NOT_MODIFIED = "304 Not Modified"

    def __init__(self, line: str) -> None:
        """`status` is that of HTTP; the value is the status line of `Bundle.entry.response.status`."""
        self.status = int(line[:3])


class ErrorCode(Struct, frozen=True):
    """One row of the catalogue of errors, stable across releases."""

    code: str
    category: Category
    issue_type: str
    meaning: str


def _catalogue(*rows: tuple[str, Category, str, str]) -> dict[str, ErrorCode]:
    return {code: ErrorCode(code, category, issue_type, meaning) for code, category, issue_type, meaning in rows}


ERROR_CODES: Final = _catalogue(
    # what was sent cannot be read
    ("malformed-json", Category.INVALID, "structure", "The body is not well-formed JSON in UTF-8."),
    ("duplicate-key", Category.INVALID, "structure", "A JSON object has the same key twice."),
    ("nesting-too-deep", Category.INVALID, "too-costly", "The body nests deeper than the service reads."),
    ("number-out-of-range", Category.INVALID, "value", "A number lies outside of what R4 can hold."),
    ("body-required", Category.INVALID, "required", "The interaction needs a body."),
    ("body-too-large", Category.TOO_LARGE, "too-long", "The body is larger than the service accepts."),
    ("request-timeout", Category.REQUEST_TIMEOUT, "timeout", "The body did not arrive in the time that it may take."),
    ("url-too-long", Category.INVALID, "too-long", "The URL is longer than the service accepts."),
    ("header-invalid", Category.INVALID, "value", "A header does not have the form that HTTP or FHIR gives it."),
    ("host-unknown", Category.MISDIRECTED, "value", "The service is not known by the host that the request names."),
    ("encoding-invalid", Category.INVALID, "structure", "The body does not match its Content-Encoding."),
    (
        "media-type-unsupported",
        Category.MEDIA_TYPE,
        "not-supported",
        "The body's media type is not one the service reads.",
    ),
    (
        "not-acceptable",
        Category.NOT_ACCEPTABLE,
        "not-supported",
        "No representation that the client accepts can be made.",
    ),
    (
        "fhir-version-unsupported",
        Category.NOT_ACCEPTABLE,
        "not-supported",
        "Another FHIR version than 4.0 was asked for.",
    ),
    # the resource breaks R4
    ("type-unknown", Category.NOT_FOUND, "not-supported", "The service does not serve this resource type."),
    ("type-mismatch", Category.INVALID, "invalid", "resourceType is missing or is not the type that the URL names."),
    ("id-mismatch", Category.INVALID, "invalid", "The id in the body is missing or is not the id that the URL names."),
    ("id-invalid", Category.INVALID, "value", "A logical id must match [A-Za-z0-9\\-\\.]{1,64}."),
    ("element-unknown", Category.INVALID, "structure", "R4 has no such element here."),
    ("element-missing", Category.INVALID, "required", "A required element is missing."),
    ("element-empty", Category.INVALID, "structure", "An element, array or string is empty or null."),
    ("cardinality", Category.INVALID, "structure", "An element repeats more, or less, often than R4 allows."),
    ("value-invalid", Category.INVALID, "value", "A value does not have the form that its data type demands."),
    ("code-invalid", Category.INVALID, "code-invalid", "A code is not in the value set that its element is bound to."),
    ("choice-conflict", Category.INVALID, "structure", "A choice element appears with more than one type."),
    ("reference-type", Category.INVALID, "value", "A reference points at a type that its element does not allow."),
    ("reference-invalid", Category.INVALID, "value", "A reference is malformed or cannot be resolved in the request."),
    ("narrative-invalid", Category.INVALID, "invariant", "The narrative is not the limited XHTML that R4 allows."),
    (
        "invariant",
        Category.INVALID,
        "invariant",
        "The resource breaks an invariant of R4; the diagnostics give its key.",
    ),
    ("profile", Category.RULE, "invariant", "The resource does not meet a profile that it claims, or is held against."),
    ("profile-unknown", Category.RULE, "not-found", "The service does not hold the profile, or cannot enforce it."),
    (
        "resource-subsetted",
        Category.RULE,
        "business-rule",
        "An update carries only a part of the resource, as _summary and _elements return it.",
    ),
    (
        "search-parameter",
        Category.RULE,
        "business-rule",
        "An active SearchParameter asks for what the service cannot search by; the diagnostics say what it could.",
    ),
    (
        "service-owned",
        Category.FORBIDDEN,
        "forbidden",
        "The resource comes with the service; clients read it and do not write it.",
    ),
    # references between resources
    ("reference-not-found", Category.RULE, "not-found", "A reference points at a resource that does not exist here."),
    (
        "reference-ambiguous",
        Category.PRECONDITION,
        "multiple-matches",
        "A conditional reference matches several resources.",
    ),
    ("reference-unmatched", Category.PRECONDITION, "not-found", "A conditional reference matches no resource."),
    ("still-referenced", Category.CONFLICT, "conflict", "Other resources refer to the resource; it cannot be deleted."),
    # where and how
    ("not-found", Category.NOT_FOUND, "not-found", "No such resource, version or address."),
    ("deleted", Category.GONE, "deleted", "The resource was deleted."),
    ("not-allowed", Category.NOT_ALLOWED, "not-supported", "The address does not take this method."),
    ("operation-unknown", Category.NOT_FOUND, "not-supported", "The service has no such operation here."),
    ("not-supported", Category.INVALID, "not-supported", "R4 knows this, the service does not support it."),
    # versions
    ("version-conflict", Category.PRECONDITION, "conflict", "If-Match names another version than the current one."),
    ("version-required", Category.PRECONDITION_REQUIRED, "required", "The change needs If-Match."),
    ("already-exists", Category.PRECONDITION, "duplicate", "If-None-Match: * was sent and the resource exists."),
    ("multiple-matches", Category.PRECONDITION, "multiple-matches", "The criteria match more than one resource."),
    ("id-taken", Category.CONFLICT, "conflict", "The criteria match nothing, but the content's id names what exists."),
    (
        "edit-conflict",
        Category.CONFLICT,
        "conflict",
        "Others changed the same resource at the same time; send it again.",
    ),
    # searches
    ("parameter-unknown", Category.INVALID, "not-supported", "The type has no such search or result parameter."),
    (
        "parameter-unsupported",
        Category.INVALID,
        "not-supported",
        "R4 defines the parameter, the service does not support it.",
    ),
    ("parameter-value", Category.INVALID, "value", "A parameter's value does not have the form of its type."),
    ("modifier-unsupported", Category.INVALID, "not-supported", "The parameter does not take this modifier."),
    (
        "criteria-required",
        Category.INVALID,
        "required",
        "A conditional interaction needs criteria that select something.",
    ),
    ("cursor-invalid", Category.INVALID, "value", "The page cursor was not issued by this service or was altered."),
    ("too-costly", Category.INVALID, "too-costly", "The request asks for more than a documented limit allows."),
    # decision support
    (
        "prefetch-required",
        Category.PRECONDITION,
        "processing",
        "What a decision needs was neither prefetched nor could be fetched.",
    ),
    # codes
    ("parameter-required", Category.INVALID, "required", "The operation needs a parameter that was not sent."),
    ("code-unknown", Category.NOT_FOUND, "code-invalid", "The code system that was named does not have the code."),
    (
        "codes-untold",
        Category.RULE,
        "not-supported",
        "The resources that the service holds do not suffice to tell the codes, or to compare them.",
    ),
    ("codes-too-many", Category.RULE, "too-costly", "There are more codes, or resources, than one answer is made of."),
    # patches and bundles
    ("patch-invalid", Category.INVALID, "structure", "The patch document itself is malformed."),
    ("patch-failed", Category.RULE, "processing", "The patch does not apply to the resource as it is."),
    ("bundle-type", Category.INVALID, "value", "The Bundle's type is not one that can be processed here."),
    ("bundle-entry", Category.INVALID, "structure", "A Bundle entry is malformed."),
    ("bundle-duplicate", Category.INVALID, "duplicate", "Two entries of a transaction act on the same resource."),
    # the referral loop
    *((code, Category[category], issue_type, meaning) for code, category, issue_type, meaning in REFERRAL_ERRORS),
    # who is asking
    ("unauthenticated", Category.UNAUTHENTICATED, "login", "The request carries no valid credentials."),
    ("forbidden", Category.FORBIDDEN, "forbidden", "The client may not do this."),
    # the service itself
    ("throttled", Category.THROTTLED, "throttled", "Too many requests; wait as Retry-After says."),
    ("busy", Category.UNAVAILABLE, "throttled", "The service has no capacity for the request right now."),
    (
        "audit-unavailable",
        Category.UNAVAILABLE,
        "transient",
        "The request could not be put on record, so it is not answered.",
    ),
    ("database-unavailable", Category.UNAVAILABLE, "transient", "The database cannot be reached right now."),
    ("timeout", Category.UNAVAILABLE, "timeout", "The request took longer than the service allows."),
    ("shutting-down", Category.UNAVAILABLE, "transient", "The service is stopping; send the request again."),
    ("internal", Category.FAULT, "exception", "An unexpected fault, recorded under the request id."),
)
"""Code → category, FHIR issue type, meaning. The README and the OpenAPI document print this table."""


class Issue(Struct, frozen=True, kw_only=True):
    """One `OperationOutcome.issue`.

    `code` is a key of `ERROR_CODES`, or None for plain information. `expression` holds FHIRPaths such as
    ``ServiceRequest.occurrenceTiming.repeat.periodUnit`` or, for parameters and headers, ``http.<name>``.
    """

    code: str | None
    diagnostics: str
    expression: tuple[str, ...] = ()
    severity: Severity = "error"
    issue_type: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The issue as FHIR JSON."""
        row = ERROR_CODES[self.code] if self.code else None
        issue: dict[str, Any] = {
            "severity": self.severity,
            "code": self.issue_type or (row.issue_type if row else "informational"),
        }
        if row:
            issue["details"] = {"coding": [{"system": ERROR_SYSTEM, "code": row.code, "display": row.meaning}]}
        issue["diagnostics"] = _printable(self.diagnostics)
        if self.expression:
            issue["expression"] = [_printable(path) for path in self.expression]
        return issue


def _printable(text: str) -> str:
    """A text that may name what a client made up, with characters that R4's strings do not take replaced."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)


@dataclass(slots=True)
class FhirError(Exception):
    """A refusal or failure that the client is told about; its first issue decides the category."""

    issues: Sequence[Issue]
    retry_after_seconds: int | None = None
    allowed_methods: tuple[str, ...] = field(default=())

    @property
    def category(self) -> Category:
        """The category of the first issue, which decides the HTTP status."""
        code = self.issues[0].code
        return ERROR_CODES[code].category if code else Category.FAULT

    @property
    def code(self) -> str:
        """The stable error code of the first issue."""
        return self.issues[0].code or "internal"

    def __str__(self) -> str:
        return "; ".join(f"{issue.code}: {issue.diagnostics}" for issue in self.issues)


def failure(
    code: str,
    diagnostics: str,
    *expression: str,
    retry_after_seconds: int | None = None,
    allowed_methods: tuple[str, ...] = (),
) -> FhirError:
    """A `FhirError` with a single issue, to be raised by the caller."""
    return FhirError(
        issues=(Issue(code=code, diagnostics=diagnostics, expression=expression),),
        retry_after_seconds=retry_after_seconds,
        allowed_methods=allowed_methods,
    )


def located_at(error: FhirError, expression: str) -> FhirError:
    """The same refusal, pointing at `expression` instead."""
    issues = [replace(issue, expression=(expression,)) for issue in error.issues]
    return FhirError(issues=issues, retry_after_seconds=error.retry_after_seconds)


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """An OperationOutcome; with no issues it says that all went well, because R4 demands at least one issue."""
    rendered = [issue.as_json() for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": rendered or [ALL_OK.as_json()]}


ALL_OK: Final = Issue(code=None, severity="information", diagnostics="All OK.")
