"""The document as HTML: one file that needs nothing else, for a browser, a mail or `presentedForm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.documents.paper import has_numbers
from service.documents.templating import rendered

if TYPE_CHECKING:
    from service.documents.paper import Paper, Section


def page(paper: Paper) -> str:
    """The whole document, its style and charts within it; nothing in it is executed."""
    return rendered("paper.html", paper=paper, has_numbers=has_numbers(paper))


def narrative(section: Section) -> str:
    """A section as the XHTML that R4 takes for a narrative, which has no charts: their words stand for them.

    https://hl7.org/fhir/R4/narrative.html
    """
    return rendered("narrative.html", section=section)
