"""The error of aiokafka's that whoever sends or reads goes on over, so that nobody else imports aiokafka for it."""

from aiokafka.errors import KafkaError

__all__ = ["KafkaError"]
