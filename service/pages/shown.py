"""What a page shows, before it is HTML: labelled values, each a text, perhaps a link, or again such values."""

from __future__ import annotations

from msgspec import Struct


class Text(Struct, frozen=True, kw_only=True):
    """A text. `href` is empty or an address on our own base; `note` is what stands smaller beside it.

    With `save_as`, a file name, `href` is the file itself, to be kept and not opened. `moment` is the date or time as
    FHIR writes it, for machines; `is_long`: it has lines and paragraphs.
    """

    text: str
    href: str = ""
    note: str = ""
    moment: str = ""
    is_long: bool = False
    save_as: str = ""


class Group(Struct, frozen=True, kw_only=True):
    """Values that belong together, such as those of one participant."""

    fields: tuple[Field, ...]


class Field(Struct, frozen=True, kw_only=True):
    """The values of an element under its label."""

    label: str
    values: tuple[Text | Group, ...]


class Picture(Struct, frozen=True, kw_only=True):
    """A chart as a ``data:`` address, and what it shows in words."""

    source: str
    told: str
