"""Kafka → Postgres: tables, pure projectors, the live writer, migrations and the analysts' views."""
