"""Stand-ins for other people's servers, for tests and demos on one machine."""
