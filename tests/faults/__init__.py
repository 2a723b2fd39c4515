"""What must survive: killed services, stopped databases, races, full pools, clients that leave.

    storm       clients that write at random and remember what was acknowledged
    agreement   what must hold in the database whatever happened
    database    the embedded Postgres in the hands of a test

Every test runs the real service as a subprocess, with several workers and a durable database.
"""
