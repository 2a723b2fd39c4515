"""`python -m service` is `massage-fhir`. Workers import this again, and need no command line: so it imports little."""

from __future__ import annotations

from service import collector


def main() -> None:
    """The entry point of the console script."""
    collector.seldom()
    from service.cli import cli  # noqa: PLC0415 - the above is for the imports, too

    cli()


if __name__ == "__main__":
    main()
