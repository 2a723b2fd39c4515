"""The store against a real PostgreSQL: pool, migrations, embedded server."""
