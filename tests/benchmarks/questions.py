"""What clinics and physicians ask: the searches that are measured at several sizes, with fresh values in each request.

The values come from the clinic that was loaded, so that every search finds something.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from service.fhir.code_systems import LOINC, UCUM
from tests.benchmarks.clinic import BEGIN, MEASURES, PAIN, RANGE_OF_MOTION, clinic
from tests.builders.resources import EHR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Json = dict[str, Any]

PATIENT_BY_CODE: Final = "a patient's ratings, newest first"
WORK_LIST: Final = "a clinic's work list with referrals"
BY_IDENTIFIER: Final = "a referral by its number"
BY_CHAIN: Final = "referrals by the patient's name"
BY_HAS: Final = "a therapist's patients"
BY_WEEK: Final = "everybody's ratings of a week"
BY_QUANTITY: Final = "measures between two values"
BY_PREFIX: Final = "patients by the beginning of a name"
DEEP_PAGE: Final = "a page far down"
TWO_CRITERIA: Final = "two criteria"

_PAGE: Final = 20
_MOST_TARGETS: Final = 2000
_DEEP_PAGES: Final = 50
_WAITING: Final = ("requested", "accepted")
_PAIN_CODE: Final = f"{LOINC}|{PAIN}"
_RANGE_CODE: Final = f"{MEASURES}|{RANGE_OF_MOTION}"


@dataclass(slots=True, kw_only=True)
class Population:
    """What of the loaded clinic can be asked for."""

    count: int
    ratings: Counter[str] = field(default_factory=Counter)
    """Patient → number of pain ratings."""
    orders: list[str] = field(default_factory=list)
    families: Counter[str] = field(default_factory=Counter)
    """Family name → number of patients."""
    waiting: Counter[str] = field(default_factory=Counter)
    """Clinic → number of tasks that it has accepted, or is yet to decide on."""
    therapists: set[str] = field(default_factory=set)
    degrees: list[float] = field(default_factory=list)

    def add(self, content: Json) -> None:
        """Remember what a search could ask for."""
        match content["resourceType"]:
            case "Observation" if content["code"]["coding"][0]["code"] == PAIN:
                self.ratings[content["subject"]["reference"]] += 1
            case "Observation":
                self.degrees.append(content["valueQuantity"]["value"])
            case "ServiceRequest":
                self.orders.append(content["identifier"][0]["value"])
            case "Patient":
                self.families[content["name"][0]["family"]] += 1
            case "Task" if content["status"] in _WAITING:
                self.waiting[content["owner"]["reference"]] += 1
            case "Procedure":
                self.therapists.add(content["performer"][0]["actor"]["reference"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search: its name and the targets that ask it, each with other values."""

    name: str
    targets: list[str]


def write_clinic(path: Path, count: int) -> Population:
    """Write a clinic of `count` resources as NDJSON."""
    population = Population(count=count)
    with path.open("w") as file:
        for content in clinic(count):
            population.add(content)
            file.write(json.dumps(content, separators=(",", ":")) + "\n")
    return population


def questions(population: Population) -> list[Question]:
    """All questions but the page far down, whose targets only the service knows."""
    well_known = _with_a_page(population.ratings)
    days = [BEGIN.date() + timedelta(days=number) for number in range(700)]
    made: list[tuple[str, Iterable[Any], Callable[[Any], str]]] = [
        (PATIENT_BY_CODE, well_known, lambda it: _search("Observation", patient=it, code=_PAIN_CODE, _sort="-date")),
        (
            WORK_LIST,
            _with_a_page(population.waiting),
            lambda it: _search(
                "Task", owner=it, status=",".join(_WAITING), _sort="-authored-on", _include="Task:focus"
            ),
        ),
        (BY_IDENTIFIER, population.orders, lambda it: _search("ServiceRequest", identifier=f"{EHR}/orders|{it}")),
        (BY_CHAIN, population.families, lambda it: _search("ServiceRequest", **{"patient.name": it})),
        (BY_HAS, population.therapists, lambda it: _search("Patient", **{"_has:Procedure:patient:performer": it})),
        (
            BY_WEEK,
            days,
            lambda it: _search("Observation", code=_PAIN_CODE, date=(f"ge{it}", f"lt{it + timedelta(days=7)}")),
        ),
        (BY_QUANTITY, population.degrees, _between),
        (BY_PREFIX, beginnings(population.families), lambda it: _search("Patient", family=it)),
        (TWO_CRITERIA, well_known, lambda it: _search("Observation", patient=it, code=_PAIN_CODE)),
    ]
    return [Question(name=name, targets=[target(value) for value in _some(values)]) for name, values, target in made]


def _with_a_page(numbers: Counter[str]) -> list[str]:
    """Those that a page is full with; the best known ones where nobody has as much."""
    return [who for who, number in numbers.items() if number >= _PAGE] or [who for who, _ in numbers.most_common(5)]


def deep_pages(population: Population) -> tuple[str, int]:
    """Where a walk through all ratings begins, with pages such that it is far down after so many of them."""
    page = min(1000, max(_PAGE, sum(population.ratings.values()) // _DEEP_PAGES))
    return _search("Observation", code=_PAIN_CODE).replace(f"_count={_PAGE}", f"_count={page}"), _DEEP_PAGES


def as_page(link: str) -> str:
    """The same place in the result, with a page as the other questions have it."""
    path, _, query = link.partition("?")
    kept = [pair for pair in query.split("&") if not pair.startswith("_count=")]
    return f"{path}?{'&'.join(kept)}&_count={_PAGE}"


def beginnings(families: Counter[str]) -> list[str]:
    """What one would type of each name until the page shows all that are left: as much as leaves a page of them."""
    patients: Counter[str] = Counter()
    for family, number in families.items():
        patients.update({family[:length]: number for length in range(1, len(family) + 1)})
    found = {
        max((family[:length] for length in range(1, len(family) + 1) if patients[family[:length]] >= _PAGE), default="")
        or family[0]
        for family in families
    }
    return sorted(found)


def _between(degrees: float) -> str:
    """Measures within two degrees, of which there are a page among ten thousand resources too."""
    unit = f"{UCUM}|deg"
    return _search(
        "Observation",
        code=_RANGE_CODE,
        **{"value-quantity": (f"ge{degrees:.1f}|{unit}", f"lt{degrees + 2:.1f}|{unit}")},
    )


def _search(resource_type: str, **parameters: str | tuple[str, ...]) -> str:
    pairs = [
        f"{name}={quote(value, safe='/:,')}"
        for name, given in parameters.items()
        for value in (given if isinstance(given, tuple) else (given,))
    ]
    return f"/fhir/{resource_type}?{'&'.join([*pairs, f'_count={_PAGE}'])}"


def _some(values: Iterable[Any]) -> list[Any]:
    known = sorted(values)
    random.Random(1).shuffle(known)  # noqa: S311 - the same every time
    return known[:_MOST_TARGETS]
