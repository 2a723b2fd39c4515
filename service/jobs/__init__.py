"""What a worker does beside answering requests, and the reindex that a command does as well.

`background` looks up the search parameters, does reindexes and keeps house; what is done again and again is
`periodic`: `anchors` of the audit records, and the `clock` of referrals. `reindexing` does the reindexes that are
asked for, one after the other, by one worker of all; `rebuild` goes about one in batches under the locks that writers
take, so that clients may go on writing meanwhile; `known_base` is the base by which references
were read, where nobody tells it.
"""
