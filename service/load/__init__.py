"""`massage-fhir load`: files of resources into the store, by the code that serves clients, in batches.

    source     files as numbered pieces of text: NDJSON, JSON, gzip, standard input
    incoming   text as valid resources, or as what is wrong with it
    batch      the resources of a piece, prepared and written with a checkpoint in one transaction
    worker     a process that prepares and writes
    loading    the workers' turns: pieces are prepared side by side and written in the order of the files
    report     what a person sees of it

Pieces are written in order so that a load stops exactly before the first resource that is not valid, that of two
contents with one id the later one stays, and that one position per file is all there is to remember. Preparing takes
most of the time, so the order costs little.
"""
