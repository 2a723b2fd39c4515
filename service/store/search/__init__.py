"""Query trees → statements for Postgres, compiled once per shape. Only `store` imports it.

`shape` turns criteria into probes of index rows and takes the values out of them: what is left is the query's shape.
`forms` holds the conditions of each kind of probe, `candidates` finds the keys of matching resources, `statement` puts
the statements together and keeps their texts.
"""

from service.store.search.statement import Statement, compile_count, compile_match, compile_search

__all__ = ["Statement", "compile_count", "compile_match", "compile_search"]
