"""A search as R4 describes it, in its plainest form: every resource is looked at, nothing is indexed, nothing is fast.

Written from https://hl7.org/fhir/R4/search.html alone; each module answers for the sections that its docstring names.
What it shares with the service are HL7's definitions and FHIRPath, through which a parameter's expression finds its
values. Everything else (the text of a search, the meaning of its values, joins, order) is written here once more, so
that the service's answer can be compared with one that was reached in another way.

    search       the whole search: criteria together, alternatives, the result's order
    criteria     one criterion: modifiers, joins
    values       what a parameter finds in a resource
    strings, tokens, references, dates, numbers, quantities, uris     one value against one search value
    interval     ranges and the nine prefixes
    units        the units of measure that the random data uses
    terminology  value sets and hierarchies of codes
    separators   the characters that join values

Beside it stand the random data (`pools`, `elements`, `resources`, `containing`, `searched`, `queries`) and the service
(`running`, `comparison`).

Where R4 leaves a choice to the server, or says two things, the docstring of the module says which reading is taken.
"""

from tests.search.evaluator.search import Evaluator

__all__ = ["Evaluator"]
