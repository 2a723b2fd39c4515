"""Search as a small compiler: parameters → query tree → (in `store.search`) one statement; and content → index rows.

https://hl7.org/fhir/R4/search.html. `registry` knows the search parameters of every type, compiled from the
definitions; `parse` reads a request's parameters into a `query.Query`; `extract` makes the rows by which a resource is
found; `types` holds one module per search parameter type, each owning its values, its modifiers and its extraction;
`cursor` seals the positions of page links. Pure: no I/O and no SQL.
"""
