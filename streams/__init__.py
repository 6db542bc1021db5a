"""Kafka to Kafka: the agents that judge, resolve and process what ingest stored."""
