"""The rules of payers as rows of files, and which of them hold for a referral."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct, structs

from service.massage.cycle import Policy
from service.massage.cycle.terms import references_in
from service.massage.data_files import DataFileError, whole

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from service.fhir.resource import Content

USUAL: Final = Path(__file__).parent / "usual.toml"

_Count = Annotated[int, Meta(ge=1, le=1000)]
_Minutes = Annotated[int, Meta(ge=1, le=720)]


class PayersError(ValueError):
    """A file does not make rules of payers; the text says where, and what would be accepted."""


class _Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules that a table gives; None where it leaves one to the usual ones."""

    shortest_session_minutes: _Minutes | None = None
    longest_session_minutes: _Minutes | None = None
    visits_a_day: _Count | None = None
    report_every_visits: _Count | None = None
    report_every_days: _Count | None = None
    needs_authorisation: bool | None = None
    visits_without_authorisation: Annotated[int, Meta(ge=0, le=1000)] | None = None
    unit_minutes: _Minutes | None = None
    least_minutes_of_a_unit: _Minutes | None = None
    order_valid_days: _Count | None = None


class _Plan(_Rules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[plan]] of a file."""

    name: str
    payer: str
    plan: str | None = None
    source: str = ""


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    usual: _Rules = _Rules()
    plan: tuple[_Plan, ...] = ()
    sources: dict[str, tuple[str, ...]] = {}


class _Known(Struct, frozen=True, kw_only=True):
    """A plan as Coverages are held against it."""

    payer: str
    plan: str | None
    policy: Policy

    def fits(self, coverage: Content) -> bool:
        """Whether a Coverage is of this plan, and in force: drafts and cancelled ones pay for nothing."""
        if coverage.get("status") != "active":
            return False
        payers = {*references_in(coverage.get("payor"))}
        for each in coverage.get("payor", ()):
            named = each.get("identifier", {})
            payers.add(f"{named.get('system', '')}|{named.get('value', '')}")
        classes = {each.get("value") for each in coverage.get("class", ())}
        return self.payer in payers and (self.plan is None or self.plan in classes)


class Payers(Struct, frozen=True, kw_only=True):
    """The rules in force: the usual ones, and those of plans, the first that fits before all others."""

    usual: Policy
    plans: tuple[_Known, ...] = ()

    def unit_policy(
        self,
        referral: Content,
        resources: Mapping[str, Mapping[str, Content]],
        base: str = "",
        unread: Container[str] = (),
    ) -> Policy | None:
        """The rules by which units are counted; None where a plan may have its own, and its Coverage is not read."""
        names = (reference.removeprefix(f"{base}/") for reference in references_in(referral.get("insurance")))
        if self.plans and "Coverage" in unread and any(one.startswith("Coverage/") for one in names):
            return None
        return self.policy_of(referral, resources, base)

    def policy_of(self, referral: Content, resources: Mapping[str, Mapping[str, Content]], base: str = "") -> Policy:
        """The rules for a referral: of the first Coverage on its `insurance` that a plan fits, else the usual ones."""
        for reference in references_in(referral.get("insurance")) if self.plans else ():
            kind, _, logical_id = reference.removeprefix(f"{base}/").partition("/")
            coverage = resources.get(kind, {}).get(logical_id)
            if coverage is None or kind != "Coverage":
                continue
            found = next((one.policy for one in self.plans if one.fits(coverage)), None)
            if found is not None:
                return found
        return self.usual


def load(path: Path | None = None) -> Payers:
    """The usual rules, with those of a deployment's file over them; PayersError."""
    usual = _policy(Policy(), _read(USUAL).usual, "usual")
    if path is None:
        return Payers(usual=usual)
    own = _read(path)
    usual = _policy(usual, own.usual, "usual")
    plans = tuple(_Known(payer=each.payer, plan=each.plan, policy=_policy(usual, each, each.name)) for each in own.plan)
    return Payers(usual=usual, plans=plans)


def _read(path: Path) -> _File:
    try:
        return whole(path, _File)
    except DataFileError as error:
        raise PayersError(str(error)) from error


def _policy(over: Policy, rules: _Rules, name: str) -> Policy:
    given: dict[str, Any] = {
        each.name: value for each in structs.fields(_Rules) if (value := getattr(rules, each.name)) is not None
    }
    for days, named in (("report_every_days", "report_every"), ("order_valid_days", "validity")):
        if days in given:
            given[named] = timedelta(days=given.pop(days))
    policy = structs.replace(over, **given)
    if policy.shortest_session_minutes > policy.longest_session_minutes:
        raise PayersError(f"{name}: shortest_session_minutes must not be more than longest_session_minutes.")
    if policy.least_minutes_of_a_unit > policy.unit_minutes:
        raise PayersError(f"{name}: least_minutes_of_a_unit must not be more than unit_minutes.")
    return policy
