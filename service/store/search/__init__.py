"""Query trees → statements for Postgres, compiled once per shape. Only `store` imports it.

`shaper` takes the values out of a query: what is left, its `shape`, is what a text is written for. `forms` holds the
conditions of each kind of probe, `probe` asks whether one resource meets a criterion, `lead` finds the resources that
do, `order` says how they are sorted, `page` finds the keys of a page, `include` what is returned with it; `statement`
puts the statements together, `kept` keeps their texts.
"""

from service.store.search.statement import (
    Statement,
    compile_count,
    compile_includes,
    compile_match,
    compile_search,
)

__all__ = ["Statement", "compile_count", "compile_includes", "compile_match", "compile_search"]
