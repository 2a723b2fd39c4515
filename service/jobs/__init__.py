"""What a worker does beside answering requests, and the reindex that a command does as well.

`background` looks up the search parameters, does reindexes and keeps house. `reindexing` does the reindexes that are
asked for, one after the other, by one worker of all; `rebuild` goes about one in batches under the locks that writers
take, so that clients may go on writing meanwhile.
"""
