"""The rows of the assessments, as the data files beside this hold them; each file says what its columns mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field

from service.massage.catalogue import rows as catalogue
from service.massage.data_files import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER: Final = Path(__file__).parent

ItemType = Literal["boolean", "choice", "integer", "decimal", "date", "string", "text", "group", "display"]


class Option(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer of a list."""

    code: str
    display: str
    system: str | None = None
    score: int | None = None


class Answers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """answers.toml; the key is the name of the list."""

    sources: tuple[str, ...]
    option: tuple[Option, ...]
    doubt: str | None = None


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """sites.toml"""

    display: str
    wider: str


class Score(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """scores.toml; the key is a measure."""

    owner: str
    sources: tuple[str, ...]


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a question depends on: yes or no, or the code of an option."""

    item: str
    expected: bool | str = field(name="is")


class Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question of a list that shares its options."""

    id: str
    loinc: str
    text: str
    alarm: bool = False


class Sided(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question for the left and one for the right."""

    id: str
    text: str
    site: str
    measure: str
    loinc_of_right: str | None = None


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question of forms.toml; `unit` (of a measure with several) and `site` are set where rows are written out."""

    id: str
    text: str
    type: ItemType | None = None
    required: bool = False
    measure: str | None = None
    loinc: str | None = None
    options: str | None = None
    flag: str | None = None
    when: When | None = None
    initial: str | None = None
    last_days: int | None = None
    total_of: tuple[str, ...] = ()
    part: str | None = None
    item: tuple[Item, ...] = ()
    listed: tuple[Listed, ...] = ()
    measures: tuple[str, ...] = ()
    sided: tuple[Sided, ...] = ()
    unit: str | None = None
    site: str | None = None


class Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """forms.toml; the key is `id`."""

    id: str
    title: str
    description: str
    category: Literal["survey", "exam"]
    sources: tuple[str, ...]
    item: tuple[Item, ...]
    copyright: str | None = None
    panel: str | None = None
    doubt: str | None = None


class Assessments(Struct, frozen=True, kw_only=True):
    """All rows by their keys, with the catalogue that their measures and contraindications are from."""

    forms: dict[str, Form]
    scores: dict[str, Score]
    answers: dict[str, Answers]
    sites: dict[str, Site]
    catalogue: catalogue.Catalogue


def load(folder: Path = FOLDER, known: catalogue.Catalogue | None = None) -> Assessments:
    """The rows of the data files; ValueError where one of them is not what its columns allow."""
    found = Assessments(
        forms=rows(folder / "forms.toml", Form, key="id"),
        scores=rows(folder / "scores.toml", Score),
        answers=rows(folder / "answers.toml", Answers),
        sites=rows(folder / "sites.toml", Site),
        catalogue=known or catalogue.load(),
    )
    for form in found.forms.values():
        _check(form, found)
    _check_others(found)
    return found


def every_item(items: Sequence[Item]) -> Iterator[Item]:
    """The items, and those below them."""
    for each in items:
        yield each
        yield from every_item(each.item)


def _check(form: Form, found: Assessments) -> None:
    """ValueError for a key that no other file has, or an id that comes twice."""
    known, items = found.catalogue, [*every_item(form.item)]
    unknown = {each for each in form.sources if each not in known.sources}
    for item in items:
        measures = (item.measure, *item.measures, *(each.measure for each in item.sided))
        unknown |= {each for each in measures if each and each not in known.outcome_measures}
        unknown |= {each for each in (item.options,) if each and each not in found.answers}
        unknown |= {each for each in (item.flag,) if each and each not in known.contraindications}
        unknown |= {f"left-{each.site}" for each in item.sided if f"left-{each.site}" not in found.sites}
    ids = [each.id for each in items] + [each.id for item in items for each in item.listed]
    unknown |= {each.when.item for each in items if each.when and each.when.item not in ids}
    unknown |= {summand for each in items for summand in each.total_of if summand not in ids}
    if unknown:
        raise ValueError(f"forms.toml: {form.id} names what there is not: {', '.join(sorted(unknown))}.")
    if len(ids) != len(set(ids)):
        raise ValueError(f"forms.toml: {form.id} has an id twice.")


def _check_others(found: Assessments) -> None:
    known = found.catalogue
    unknown = {each for each in found.scores if each not in known.outcome_measures}
    named = [*(each.sources for each in found.scores.values()), *(each.sources for each in found.answers.values())]
    unknown |= {source for sources in named for source in sources if source not in known.sources}
    unknown |= {each.wider for each in found.sites.values() if each.wider not in known.body_sites}
    if unknown:
        raise ValueError(f"scores, answers and sites name what there is not: {', '.join(sorted(unknown))}.")
