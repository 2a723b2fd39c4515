"""Screening: a referral and what is known of its patient, held against the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.screening.asked import Asked, asked_of
from service.massage.screening.body_site import may_meet
from service.massage.screening.content import reference_to
from service.massage.screening.finding import Finding, Screening
from service.massage.screening.matching import Match, matches_of
from service.massage.screening.rule import ELSEWHERE, RANKS, Rule, Severity
from service.massage.screening.wording import detail_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.screening.record import PatientRecord
    from service.massage.screening.rules import Rules


def screen(referral: Content, record: PatientRecord, rules: Rules, now: datetime) -> Screening:
    """What the rules find in a patient's record for a referral, gravest first.

    `referral` is a ServiceRequest, or an Appointment that stands for one. Nothing found says something only where
    `basis` is ``screened``: where a condition of the patient, current or not, was one that the rules can judge.
    """
    asked = asked_of(referral, rules.sites)
    matches = matches_of(referral, record, rules, now)
    by_rule: dict[str, list[Match]] = {}
    for match in matches.found:
        by_rule.setdefault(match.rule.id, []).append(match)
    if not asked.has_reason:
        for rule in rules.index.without_reason:
            by_rule.setdefault(rule.id, []).append(Match(rule=rule, resource=referral, told="names no reason"))
    found = [finding for each in by_rule.values() if (finding := _finding(each, asked)) is not None]
    found.sort(key=lambda each: (-RANKS[each.severity], rules.order[each.rule]))
    is_screened = matches.judged_conditions > 0 and "Condition" not in record.unread
    return Screening(
        findings=tuple(found),
        basis="screened" if is_screened else "unscreened",
        unjudged=tuple(dict.fromkeys(matches.unjudged)),
        unread=record.unread,
        overrides=rules.overrides,
    )


def _finding(matches: Sequence[Match], asked: Asked) -> Finding | None:
    """What a rule comes to for all that speaks for it; None where nothing of it bears on the order."""
    severity: Severity | None = None
    bearing: list[Match] = []
    for match in matches:
        rated = _severity(match, asked)
        if rated is not None:
            bearing.append(match)
            severity = rated if severity is None or RANKS[rated] > RANKS[severity] else severity
    if severity is None:
        return None
    rule = matches[0].rule
    techniques = _excluded(rule, asked)
    return Finding(
        rule=rule.id,
        title=rule.title,
        severity=severity,
        alert="DRG" if all(each.alert == "DRG" for each in bearing) else "COND",
        detail=detail_of(rule, severity, bearing, techniques),
        action=rule.advice,
        evidence=tuple(dict.fromkeys(filter(None, (reference_to(each.resource) for each in bearing)))),
        techniques=techniques,
        red_flag=rule.red_flag,
        source=", ".join(rule.sources),
        overridden_from=rule.overridden_from,
    )


def _severity(match: Match, asked: Asked) -> Severity | None:
    """How grave a match is for what is asked; None where the order is for another region than a local one's."""
    rule = match.rule
    affected = rule.regions or match.regions
    severity: Severity | None = rule.severity
    if rule.is_regional and not may_meet(asked.regions, affected):
        severity = ELSEWHERE[rule.severity]
    for each in rule.stricter:
        is_asked = not each.techniques or not each.techniques.isdisjoint(asked.techniques)
        is_there = not each.is_regional or may_meet(asked.regions, each.regions or affected)
        if is_asked and is_there and (severity is None or RANKS[each.severity] > RANKS[severity]):
            severity = each.severity
    return severity


def _excluded(rule: Rule, asked: Asked) -> tuple[str, ...]:
    """The techniques that need clearance first, those that were asked for before the others."""
    every = dict.fromkeys((*rule.clearance_for, *(name for each in rule.stricter for name in sorted(each.techniques))))
    return tuple(sorted(every, key=lambda name: name not in asked.techniques))
