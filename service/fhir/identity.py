"""Whether two Patients are one person: a score by a table of weights, and the grade of `$match` that it comes to.

https://hl7.org/fhir/R4/patient-operation-match.html. The weights are ours: rare and stable facts count much, common and
changing ones little, and what contradicts counts against. What one of the two does not say counts neither way. Names
are compared without case, accents and punctuation; a name that is one letter off counts half.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from service.fhir.resource import Content

Grade = Literal["certain", "probable", "possible", "certainly-not"]


class Weight(Struct, frozen=True):
    """A fact that is compared: what agreement adds, what disagreement takes away.

    `agreement` is 1 for the same, between 0 and 1 for nearly the same, 0 for different, None where one side is silent.
    """

    fact: str
    agrees: int
    differs: int
    agreement: Callable[[Content, Content], float | None]


class Match(Struct, frozen=True, kw_only=True):
    """How alike two Patients are: `score` from 0 to 1, `grade` of the value set match-grade."""

    score: float
    grade: Grade


CERTAIN: Final = 0.9
PROBABLE: Final = 0.7
POSSIBLE: Final = 0.4
"""The least scores of the grades."""


def grade(candidate: Content, patient: Content) -> Match:
    """How likely the two are the same person.

    Certain needs a shared identifier as well as the score: two people may share a name and a birthday. Two that share
    an identifier but neither birth date nor family name are certainly not one: it was mistaken for one of them.
    """
    agreements = {weight.fact: weight.agreement(candidate, patient) for weight in WEIGHTS}
    gained = reachable = 0.0
    for weight in WEIGHTS:
        agreement = agreements[weight.fact]
        if agreement is not None:
            gained += agreement * weight.agrees - (1 - agreement) * weight.differs
            reachable += weight.agrees
    score = round(max(0.0, gained / max(reachable, _ENOUGH)), 3)
    if agreements["identifier"] and agreements["birth date"] == 0 and agreements["family name"] == 0:
        return Match(score=0.0, grade="certainly-not")
    return Match(score=min(score, 1.0), grade=_grade(score, has_identifier=bool(agreements["identifier"])))


def disagreements(stored: Content, sent: Content) -> tuple[str, ...]:
    """The elements in which two Patients with the same identifier cannot be one person; empty when they may be.

    A conditional create that meets another person under the identifier must not take him for the one that is meant
    (409). A birth date given less exactly, a changed family name or a nickname alone are no contradiction.
    """
    if _birth_date(stored, sent) == 0:
        names = ("name",) if _family(stored, sent) == 0 or _given(stored, sent) == 0 else ()
        return ("birthDate", *names)
    both = _family(stored, sent) == 0 and _given(stored, sent) == 0
    return ("name",) if both else ()


def _grade(score: float, *, has_identifier: bool) -> Grade:
    if score >= CERTAIN and has_identifier:
        return "certain"
    if score >= PROBABLE:
        return "probable"
    return "possible" if score >= POSSIBLE else "certainly-not"


def _identifier(one: Content, other: Content) -> float | None:
    """1 for a shared one; 0 only for different values in the same system, for one person may have many."""
    mine, theirs = _identifiers(one), _identifiers(other)
    if mine & theirs:
        return 1.0
    systems = {system for system, _ in mine} & {system for system, _ in theirs}
    return 0.0 if systems else None


def _identifiers(patient: Content) -> set[tuple[str, str]]:
    return {
        (identifier["system"], identifier["value"])
        for identifier in patient.get("identifier", ())
        if identifier.get("system") and identifier.get("value") and identifier.get("use") != "old"
    }


def _birth_date(one: Content, other: Content) -> float | None:
    mine, theirs = one.get("birthDate", ""), other.get("birthDate", "")
    if not mine or not theirs:
        return None
    shorter, longer = sorted((mine, theirs), key=len)
    if longer.startswith(shorter):
        return 1.0 if mine == theirs else 0.5
    swapped = mine[:4] == theirs[:4] and sorted(mine[5:].split("-")) == sorted(theirs[5:].split("-"))
    return 0.5 if swapped else 0.0


def _family(one: Content, other: Content) -> float | None:
    return _best(_names(one, "family"), _names(other, "family"))


def _given(one: Content, other: Content) -> float | None:
    return _best(_names(one, "given"), _names(other, "given"))


def _gender(one: Content, other: Content) -> float | None:
    known = [each.get("gender") for each in (one, other) if each.get("gender") not in {None, "unknown", "other"}]
    return float(known[0] == known[1]) if len(known) == 2 else None


def _telecom(one: Content, other: Content) -> float | None:
    """1 for a shared number or address; people have several, so different ones say nothing."""
    mine, theirs = ({_squeezed(point.get("value", "")) for point in each.get("telecom", ())} for each in (one, other))
    return 1.0 if (mine & theirs) - {""} else None


def _postal_code(one: Content, other: Content) -> float | None:
    mine, theirs = (
        {_squeezed(address.get("postalCode", "")) for address in each.get("address", ())} - {""}
        for each in (one, other)
    )
    return float(bool(mine & theirs)) if mine and theirs else None


def _names(patient: Content, part: str) -> set[str]:
    found: set[str] = set()
    for name in patient.get("name", ()):
        value: Any = name.get(part, ())
        # in the place of a name there may be nothing but an extension
        found |= {_squeezed(one) for one in ([value] if isinstance(value, str) else value) if one}
    return found - {""}


def _best(mine: Iterable[str], theirs: Iterable[str]) -> float | None:
    alike = [_alike(one, other) for one in mine for other in theirs]
    return max(alike, default=None)


def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    return 0.5 if min(len(one), len(other)) > 2 and _one_letter_off(one, other) else 0.0


def _one_letter_off(one: str, other: str) -> bool:
    """Whether one letter was changed, left out or added."""
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    same = next((at for at in range(len(shorter)) if shorter[at] != longer[at]), len(shorter))
    rest = same if len(longer) > len(shorter) else same + 1
    return shorter[rest:] == longer[same + 1 :]


def _squeezed(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[^\w]|_", "", "".join(letter for letter in plain if not unicodedata.combining(letter)))


WEIGHTS: Final = (
    Weight("identifier", 40, 10, _identifier),
    Weight("birth date", 25, 30, _birth_date),
    Weight("family name", 20, 15, _family),
    Weight("given name", 15, 15, _given),
    Weight("gender", 5, 15, _gender),
    Weight("telecom", 10, 0, _telecom),
    Weight("postal code", 5, 3, _postal_code),
)
"""Fact by fact: agreement adds the first number, disagreement takes off the second [design]."""

_ENOUGH: Final = 60.0
"""What must at least be compared for a full score: a birth date, a family and a given name."""
