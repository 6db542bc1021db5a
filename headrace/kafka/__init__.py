"""Kafka: clients, topics, and how the log is read."""
