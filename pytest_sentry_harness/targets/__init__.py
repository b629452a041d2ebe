"""Start, watch and stop the application under test."""
