"""massage-fhir: a FHIR R4 service for medical massage. The packages, in the direction of imports:

    app            the composition root: builds everything, the only module that knows all packages
    cli, serve     the console script `massage-fhir`; the processes of a running service
    listening      the address that is listened on, by each worker with a socket of its own
    connection     an HTTP connection with bounds on what it keeps of a request that has not begun
    collector      when Python looks for garbage: seldom, and never at what lives as long as a worker
    clients, audit the registry of clients, and what is on record, on the command line
    registry       the registry of clients as commands work on it, changes on record
    load, reindex  long commands: files into the store, and index rows made anew
    processes      the process of a long command, and those that share its work
    demo           a network of clinics that never was, for the sandbox
    assembly       the engine's parts, put together from settings
    cds            CDS Hooks: what the safety rules say while somebody orders massage
    rest, pages    FHIR over HTTP; what a person sees in a browser
    auth           OAuth over HTTP: the built-in authorisation server, other issuers, the gate before FHIR
    jobs           what a worker does beside answering: reindexes, housekeeping, what time does to referrals
    loop           the rules and operations of the referral loop, put to what is stored in the unit of work that writes
    interactions   what this server does: one module per FHIR interaction, `perform` is the single door
    operations     one module per FHIR operation that knows nothing of massage
    documents      reports for a person to read, their charts, and the same as PDF
    access         who may do what: scopes, rules for tokens and keys; pure decisions
    massage        what medical massage says: catalogue, screening, life cycles, protocols, forms, outcomes ...; pure
    store          Postgres: the only package that imports SQLAlchemy or asyncpg
    outgoing       requests that the service itself sends, to URLs that somebody else gave it
    fhir           what FHIR R4 says: pure, and imports nothing of ours
    settings, logs read by `app` and `cli`; the other packages are handed what they need. setting_forms: texts → values
    progress       what a person sees of a long command
    shipped        what comes with the service as resources, stored at a start: catalogue, profiles, forms ...

    cli -> clients, audit -> registry -> serve, load, reindex, demo -> app, processes -> assembly -> cds
        -> rest, pages, auth, jobs -> loop -> operations -> interactions -> documents -> massage, access, store
        -> outgoing -> fhir

The contracts are in pyproject.toml and run in `make test`.
"""
