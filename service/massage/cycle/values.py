"""The values of the life cycles: what is judged, who asks for it, and what comes of it."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field

from service.fhir.outcome import FhirError, Issue
from service.massage.cycle.units import LEAST_MINUTES, UNIT_MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from service.fhir.resource import Content

Role = Literal["referrer", "clinic", "patient", "system", "administrator"]

EVERY_SIDE: Final[frozenset[Role]] = frozenset({"referrer", "clinic", "patient"})
"""The roles of who may play all parts, as in open mode without the name of an organisation."""


class Episode(Struct, frozen=True, kw_only=True):
    """Everything that hangs on one referral, as it is stored before the change: type → logical id → content.

    `resources` holds the referral, too, once it is stored; of a new one, `referral` is what is to be created. Beside
    the types with a life cycle the guards read DetectedIssue, QuestionnaireResponse, Consent, ClaimResponse, and of the
    therapists PractitionerRole and Practitioner. `base` is the URL on which absolute references are local.
    """

    referral: Content
    resources: Mapping[str, Mapping[str, Content]]
    base: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """One resource of the episode before and after; `before` None creates it, `after` None deletes it."""

    type: str
    id: str
    before: Content | None
    after: Content | None


class Party(Struct, frozen=True, kw_only=True):
    """Who asks, and as what. One organisation may be both referrer and clinic; a stranger has no role.

    `organisation` is a reference such as ``Organization/clinic``; None acts for whomever its roles name (open mode, the
    system, an administrator). `user` is the person behind it, for the Provenance.
    """

    roles: frozenset[Role]
    organisation: str | None = None
    user: str | None = None


SYSTEM: Final = Party(roles=frozenset({"system"}))
"""The service itself: what it does on its own, by the clock or as the consequence of a step."""


class Policy(Struct, frozen=True, kw_only=True):
    """What a deployment or a payer's plan may set otherwise; the numbers are the usual ones of one payer scheme.

    Where `needs_authorisation`, a payer that has not authorised visits pays the first `visits_without_authorisation`;
    elsewhere whoever goes beyond them is warned.
    """

    shortest_session_minutes: int = 30
    longest_session_minutes: int = 90
    visits_a_day: int = 1
    visits_without_authorisation: int = 6
    needs_authorisation: bool = False
    unit_minutes: int = UNIT_MINUTES
    least_minutes_of_a_unit: int = LEAST_MINUTES
    report_every_visits: int = 6
    report_every: timedelta = timedelta(days=30)
    validity: timedelta = timedelta(days=180)
    remind_after_missed_visits: int = 2
    flag_visits_within: timedelta = timedelta(days=7)
    consent_required: bool = False
    certificates: Mapping[str, str] = field(default_factory=lambda: {"lymphatic-drainage": "lymphatic-drainage-cert"})
    """Technique → the code of the qualification that its therapist must hold."""


def _always(_: Content) -> bool:
    return True


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the life cycles must be told because other parts of the service know it.

    `resolve` maps a reference (PractitionerRole, HealthcareService, Organization ...) to the organisation that it acts
    for; `is_open_absolute` says of a DetectedIssue whether it is an absolute contraindication that is not mitigated, as
    things are after the unit, and `was_open_absolute` as they were before (None: in the same way);
    `is_referral` whether a ServiceRequest is one; `zone` is that of days.
    """

    resolve: Callable[[str], str | None]
    is_open_absolute: Callable[[Content], bool]
    was_open_absolute: Callable[[Content], bool] | None = None
    is_referral: Callable[[Content], bool] = _always
    policy: Policy = Policy()
    zone: tzinfo = UTC


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a change is not made. `code` is a key of `ERROR_CODES`, `guard` the name of the guard that does not hold.

    `state` is the present state ("" of what does not exist yet), `allowed` the states that this party may go to.
    """

    code: str
    text: str
    expression: str
    state: str = ""
    allowed: tuple[str, ...] = ()
    guard: str = ""

    def issue(self) -> Issue:
        """The refusal as the client is told it."""
        present = f" Present state: {self.state}." if self.state else ""
        steps = f" Allowed from here: {', '.join(self.allowed) or 'nothing'}." if self.state else ""
        return Issue(code=self.code, diagnostics=f"{self.text}{present}{steps}", expression=(self.expression,))


class Verdict(Struct, frozen=True, kw_only=True):
    """What comes of a unit of work: refusals, and then nothing else; or what the service writes with it.

    An effect's `before` is what is stored (None: new), its `after` complete. Where it names a resource that the unit
    itself changes, it replaces what that was to become. `notices` are warnings that travel back with the success.
    """

    refusals: tuple[Refusal, ...] = ()
    effects: tuple[Change, ...] = ()
    notices: tuple[Issue, ...] = ()

    def check(self) -> None:
        """Raise the refusals, if there are any, as one `FhirError`; its first issue decides the status."""
        if self.refusals:
            raise FhirError(issues=tuple(refusal.issue() for refusal in self.refusals))
