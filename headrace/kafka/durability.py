"""Says at the start of a process when Kafka may acknowledge what one broker alone has: losing it loses webhooks."""

import threading
import time

import structlog

from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.topics import describe_changelogs, describe_topics
from headrace.refusal import Refusal
from headrace.settings import Settings

log = structlog.get_logger()

#: A broker that is away at the start is asked again, for as long as a cluster takes to come up.
_TRIES = 30
_RETRY_SECONDS = 10.0


def warn_of_thin_topics(settings: Settings) -> None:
    """Look in a thread of its own: a process starts, with or without a broker."""
    threading.Thread(target=_look, args=(settings,), name="durability", daemon=True).start()


def _look(settings: Settings) -> None:
    for _ in range(_TRIES):
        try:
            states = [*describe_topics(settings), *describe_changelogs(settings)]
        except KafkaUnreachable:
            time.sleep(_RETRY_SECONDS)
            continue
        except Refusal:
            return
        if thin := [state.name for state in states if state.is_thin]:
            log.warning(
                "kafka.one_replica_acknowledges",
                topics=thin,
                hint="min.insync.replicas is 1 on topics with several replicas: when one broker is lost, webhooks that "
                "were answered 200 can be lost with it. `headrace topics mend` shows what to set, --execute sets it",
            )
        return
