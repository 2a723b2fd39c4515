"""One validator for all tests: it compiles each type once."""

from __future__ import annotations
