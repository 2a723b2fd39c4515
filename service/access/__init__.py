"""Who may do what: scopes, the rules that tokens and keys must meet. Pure decisions; imports `service.fhir` only."""
