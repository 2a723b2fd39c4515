"""Operations (`$name`): one module per operation, over the engine's parts. May import `interactions` and `fhir`."""
