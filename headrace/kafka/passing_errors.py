"""Which of librdkafka's errors pass by themselves, so that a question to the brokers may be asked again."""

from confluent_kafka import KafkaError, KafkaException

#: While leaders and coordinators move, as after a broker's restart.
_PASSING = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
)


def is_passing(error: BaseException) -> bool:
    """True when the same question can have an answer in a moment."""
    return isinstance(error, KafkaException) and error.args[0].code() in _PASSING
