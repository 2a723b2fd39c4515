"""The demo: what it tells of, and that it obeys the rules."""
