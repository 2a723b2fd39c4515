"""Speed, memory and disk, measured against the goals and against a bare endpoint: `python -m tests.benchmarks`.

    client      an HTTP/1.1 client that costs next to nothing; the fault tests use it too
    generator   the load generator, in a process of its own
    serving     the service under measurement or test, as a subprocess
    bare        the yardstick: FastAPI and asyncpg, one row, no FHIR
    workload    what is sent
    rounds      interleaved rounds of the service and the yardstick
    standing    what is no load: start-up, memory, disk, validation
    documents   what a report costs, and whether anything else waits for it
    goals       what is to be reached
    clinic      a synthetic clinic of any size
    questions   what is searched for in it
    sizes       the same searches at several sizes, each loaded by `massage-fhir load`
    plans       how the database answers them
    pages       how long a page in a browser takes
    report      the tables and the JSON file; sizes_report those of the sizes

Nothing here is imported by the service.
"""
