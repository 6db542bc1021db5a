"""Yesterday's traffic through another prompt or model, into a schema of its own: nothing live is touched."""
