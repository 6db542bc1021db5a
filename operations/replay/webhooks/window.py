"""Which webhooks a replay is about: those of one provider, received within a window, maybe of one workspace."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from headrace.events.envelope import EnvelopeError
from headrace.events.records import Record
from headrace.events.topics import WEBHOOKS_BULK, Topic, reply_topic
from headrace.events.webhooks import WebhookMeta, read_webhook
from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.kafka.log_records import read_ranges
from headrace.settings import Settings

#: A webhook is appended after it is received, later still when the brokers were away for a while.
LATE = timedelta(hours=1)
#: The gateway's clock may be ahead of the brokers'.
SKEW = timedelta(minutes=1)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Received from `start` on and before `end`, both aware. Times are the gateway's clock."""

    provider: str
    start: datetime
    end: datetime
    workspace: str | None = None

    def holds(self, meta: WebhookMeta) -> bool:
        """True for a webhook the replay is about. Quarantined ones are nobody's, and never are."""
        return (
            meta.provider == self.provider
            and self.start <= meta.received_at < self.end
            and self.workspace in (None, meta.workspace)
            and not meta.quarantine_reason
        )

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Where such webhooks stand: the provider's own topic, and the one for floods of notices."""
        return reply_topic(self.provider), WEBHOOKS_BULK


def webhook_ranges(settings: Settings, log: LogOffsets, window: Window) -> dict[Place, LogRange]:
    """The part of the log that holds the window's webhooks, and others. Raises KafkaUnreachable, TopicsMissing."""
    return log.window([settings.topic(topic) for topic in window.topics], window.start - SKEW, window.end + LATE)


def derived_ranges(settings: Settings, log: LogOffsets, window: Window, *topics: Topic) -> dict[Place, LogRange]:
    """The part of topics that holds all that was derived from the window's webhooks, later corrections included."""
    return log.window([settings.topic(topic) for topic in topics], window.start - SKEW)


def webhooks_of(
    settings: Settings, ranges: dict[Place, LogRange], window: Window
) -> Iterator[tuple[Record, WebhookMeta]]:
    """The window's webhooks, each partition in order. Records that ingest did not write are left out."""
    for record in read_ranges(settings, ranges):
        try:
            meta = read_webhook(record.headers)
        except EnvelopeError:
            continue
        if window.holds(meta):
            yield record, meta
