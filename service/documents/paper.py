"""A document before it has a form: what it says, in which order. HTML, PDF and a Composition's sections are made of it.

All texts are as they are to be read; whoever makes a form of it escapes them.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from service.fhir.visible import visible

_NUMBER: Final = re.compile(r"\[U\+[0-9A-F]{4,6}\]")


class Text(Struct, frozen=True, tag="text", tag_field="kind"):
    """A paragraph; one that `is_important` stands out."""

    text: str
    is_important: bool = False


class Facts(Struct, frozen=True, tag="facts", tag_field="kind"):
    """Pairs of a term and what there is to say of it."""

    rows: tuple[tuple[str, str], ...]


class Points(Struct, frozen=True, tag="points", tag_field="kind"):
    """A list."""

    items: tuple[str, ...]


class Table(Struct, frozen=True, tag="table", tag_field="kind"):
    """Rows below a head of as many columns."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(Struct, frozen=True, tag="picture", tag_field="kind"):
    """An SVG of our own making, and the same in words."""

    svg: str
    words: str


Block = Text | Facts | Points | Table | Picture


class Section(Struct, frozen=True, kw_only=True):
    """A part with a title; `refers_to` are the references of the resources that it is about."""

    title: str
    blocks: tuple[Block, ...]
    refers_to: tuple[str, ...] = ()


class Paper(Struct, frozen=True, kw_only=True):
    """The whole; `about` stands on every page, such as the patient's name, `made_at` is an instant in words."""

    title: str
    about: str
    made_at: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def legible(paper: Paper) -> Paper:
    """The paper with all of its texts made `visible`."""
    plain: Any = msgspec.to_builtins(paper)
    return msgspec.convert(_each(plain), Paper)


def has_numbers(paper: Paper) -> bool:
    """Whether a character of the paper is shown by its number."""
    return bool(_NUMBER.search(msgspec.json.encode(paper).decode()))


def _each(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {name: _each(each) for name, each in value.items()}
    return [_each(each) for each in value] if isinstance(value, list | tuple) else value
