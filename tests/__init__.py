"""The tests, by kind: unit, api, search, properties, faults, benchmarks, architecture; `builders` makes their data."""
