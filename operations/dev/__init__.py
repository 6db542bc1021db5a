"""The local stack: Kafka, Postgres and every Headrace process on one machine, for development, demo and tests."""
