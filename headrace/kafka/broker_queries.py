"""Questions to the brokers that are asked again while librdkafka's error is one that passes by itself."""

from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from headrace.kafka.clients import KafkaUnreachable
from headrace.settings import Settings

_T = TypeVar("_T")
#: Seconds for which a question is asked again.
_PATIENCE = 10.0

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


def ask_brokers(settings: Settings, ask: Callable[[], _T]) -> _T:
    """The answer, once there is one. Raises KafkaUnreachable."""
    retrying = Retrying(
        retry=retry_if_exception(_is_passing), wait=wait_fixed(0.2), stop=stop_after_delay(_PATIENCE), reraise=True
    )
    try:
        return retrying(ask)
    except KafkaException as error:
        raise KafkaUnreachable(settings, error.args[0].str()) from error


def _is_passing(error: BaseException) -> bool:
    """True when the same question can have an answer in a moment."""
    return isinstance(error, KafkaException) and error.args[0].code() in _PASSING
