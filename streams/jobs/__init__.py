"""Post-processing off the request path: an event-sourced queue and the steps it runs."""
