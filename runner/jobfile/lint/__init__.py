"""Rules that a job should keep to, for what peers make of it and for what its author meant."""
