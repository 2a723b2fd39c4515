"""The account of a clinic as Parameters; what is withheld is named, and never a number of it told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.massage.catalogue.published import canonical
from service.massage.quality.facts import OTHER
from service.massage.systems import OUTCOME, TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from service.fhir.resource import Content
    from service.massage.quality import Account, Cells, Group, Told

Part = dict[str, Any]

_CONDITIONS: Final = canonical("CodeSystem", "treated-condition-group")
_TOO_FEW: Final = (
    "Fewer than {} referrals were asked for in the period, as far as you see them: nothing is told of them."
)


def parameters(account: Account, clinic: str, period: tuple[str, str], least: int, told: Told) -> Content:
    """The Parameters resource."""
    found: list[Part] = [
        {"name": "organization", "valueReference": {"reference": clinic}},
        {"name": "periodStart", "valueDate": period[0]},
        {"name": "periodEnd", "valueDate": period[1]},
        {"name": "smallestGroup", "valueInteger": least},
    ]
    if account.referrals is None:
        found.append({"name": "withheld", "valueString": _TOO_FEW.format(least)})
        return {"resourceType": "Parameters", "parameter": found}
    found.append({"name": "referrals", "valueInteger": account.referrals})
    found += _cells("loop", account.loop, "closureRate")
    if account.waited_hours is not None:
        part = [{"name": "medianHours", "valueDecimal": Decimal(str(account.waited_hours))}]
        found.append({"name": "acceptance", "part": part})
    found += _cells("visits", account.visits, "noShowRate")
    conditions = {code: row.display for code, row in told.catalogue.conditions.items()} | {OTHER: "Other"}
    techniques = {code: row.display for code, row in told.catalogue.techniques.items()}
    for name, groups, hidden, system, displays in (
        ("condition", account.conditions, account.hidden_conditions, _CONDITIONS, conditions),
        ("technique", account.techniques, account.hidden_techniques, TECHNIQUE, techniques),
    ):
        found += _groups(name, groups, system, displays, told)
        if hidden:
            found.append({"name": f"{name}sWithheld", "valueInteger": hidden})
    return {"resourceType": "Parameters", "parameter": found}


def _groups(name: str, groups: Sequence[Group], system: str, displays: Mapping[str, str], told: Told) -> Iterator[Part]:
    for group in groups:
        named = {} if group.code == OTHER else {"system": system}
        coding = named | {"code": group.code, "display": displays[group.code]}
        yield {
            "name": name,
            "part": [
                {"name": "code", "valueCoding": coding},
                {"name": "referrals", "valueInteger": group.referrals},
                *(_measure(code, cells, told) for code, cells in group.measures.items()),
            ],
        }


def _measure(code: str, cells: Cells, told: Told) -> Part:
    display = told.catalogue.outcome_measures[code].display
    coding = {"name": "code", "valueCoding": {"system": OUTCOME, "code": code, "display": display}}
    (found,) = _cells("measure", cells, "improvementRate")
    return found | {"part": [coding, *found["part"]]}


def _cells(name: str, cells: Cells | None, share: str) -> list[Part]:
    """The parts that are told, the names of those that are not, and the share."""
    if cells is None:
        return [{"name": name, "part": [{"name": "withheld", "valueCode": "all"}]}]
    part: list[Part] = [
        {"name": "withheld", "valueCode": each} if count is None else {"name": each, "valueInteger": count}
        for each, count in cells.parts.items()
    ]
    if cells.share is not None:
        part.append({"name": share, "valueDecimal": Decimal(str(cells.share))})
    return [{"name": name, "part": part}]
