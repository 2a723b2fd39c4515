"""What medical massage says, pure: catalogue, safety screening, life cycles, profiles. Imports service.fhir only."""
