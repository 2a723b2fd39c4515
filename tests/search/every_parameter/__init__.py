"""A row for every search parameter that is advertised: made from the definitions, without the code that searches."""
