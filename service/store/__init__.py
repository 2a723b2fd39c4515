"""Postgres: the only package that imports SQLAlchemy or asyncpg. May import `fhir`."""
