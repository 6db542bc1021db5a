"""Measures Headrace against its targets and its peers, on real Kafka and Postgres. See README.md."""
