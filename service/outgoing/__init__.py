"""Requests that the service itself sends, to URLs that somebody else gave it. Imports nothing of ours."""
