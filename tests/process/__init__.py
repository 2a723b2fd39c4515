"""The service as processes: its console script, its workers, and how it refuses to start."""
