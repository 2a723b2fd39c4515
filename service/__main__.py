"""`python -m service` is `massage-fhir`."""

from service.cli import main

if __name__ == "__main__":
    main()
