"""Every operation, by its name without the dollar sign. Each says itself on which types and levels it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.operations.everything import everything
from service.operations.expand import expand
from service.operations.lastn import lastn
from service.operations.lookup import lookup
from service.operations.match import match
from service.operations.reindex import reindex
from service.operations.stats import stats
from service.operations.subsumes import subsumes
from service.operations.translate import translate
from service.operations.validate import validate
from service.operations.validate_code import validate_code

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATIONS: Final[Mapping[str, Any]] = {
    "everything": everything,
    "expand": expand,
    "lastn": lastn,
    "lookup": lookup,
    "match": match,
    "reindex": reindex,
    "stats": stats,
    "subsumes": subsumes,
    "translate": translate,
    "validate": validate,
    "validate-code": validate_code,
}
"""Operation name → what performs it."""
