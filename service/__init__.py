"""massage-fhir: a FHIR R4 service for medical massage. The packages, in the direction of imports:

    app            the composition root: builds everything, the only module that knows all packages
    cli, serve     the console script `massage-fhir`; the processes of a running service
    load, reindex  long commands: files into the store, and index rows made anew
    rest, pages    FHIR over HTTP; what a person sees in a browser
    interactions   what this server does: one module per FHIR interaction, `perform` is the single door
    operations     one module per FHIR operation
    store          Postgres: the only package that imports SQLAlchemy or asyncpg
    fhir           what FHIR R4 says: pure, and imports nothing of ours
    settings, logs read by `app` and `cli`; the other packages are handed what they need
    progress       what a person sees of a long command

    cli -> serve, load, reindex -> app -> rest, pages -> operations -> interactions -> store -> fhir

The contracts are in pyproject.toml and run in `make test`.
"""
