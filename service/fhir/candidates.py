"""By which searches those are found whom `fhir.identity` may find to be one person with a Patient.

Each asks for what two facts of weight agree in, or one that is rare; who agrees in less is no possible match. Names are
searched by their beginnings, so that who is found need not be alike: the grade decides.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from service.fhir.search.separators import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.interaction import Parameters
    from service.fhir.resource import Content

_MOST_VALUES: Final = 20
"""Values of one fact that are searched by: a person has fewer names, numbers and addresses."""

_LONGEST_NAME: Final = 256


def searches_for(patient: Content) -> tuple[Parameters, ...]:
    """Criteria of searches for Patients, the narrowest first; none where too little is known of the one."""
    identifiers = _any_of(
        f"{escape(each['system'])}|{escape(each['value'])}"
        for each in patient.get("identifier", ())
        if each.get("system") and each.get("value") and each.get("use") != "old"
    )
    names = patient.get("name", ())
    family = _any_of(escape(each["family"]) for each in names if _is_a_name(each.get("family")))
    given = _any_of(escape(one) for each in names for one in each.get("given", ()) if _is_a_name(one))
    born = patient.get("birthDate", "")
    telecom = _any_of(escape(each["value"]) for each in patient.get("telecom", ()) if each.get("value"))
    facts: dict[str, str] = {
        "identifier": identifiers,
        "family": family,
        "given": given,
        "birthdate": born,
        "telecom": telecom,
    }
    found = (tuple((name, facts[name]) for name in combined) for combined in _COMBINED)
    return tuple(criteria for criteria in found if all(value for _, value in criteria))


_COMBINED: Final = (
    ("identifier",),
    ("birthdate", "family"),
    ("birthdate", "given"),
    ("telecom",),
    ("family", "given"),
)


def _is_a_name(text: str | None) -> bool:
    """Whether it is searched by: not an extension in the place of a name, not punctuation, and not a document."""
    return text is not None and len(text) <= _LONGEST_NAME and any(letter.isalnum() for letter in text)


def _any_of(values: Iterable[str]) -> str:
    return ",".join(islice(dict.fromkeys(values), _MOST_VALUES))
