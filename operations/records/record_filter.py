"""Which records are meant: judged by key, headers and bytes alone, so that millions can be passed over undecoded."""

import msgspec

from headrace.events.envelope import header_map
from headrace.events.records import Record
from headrace.events.topics import TOPIC_BY_NAME, Topic
from headrace.kafka.log_offsets import LogRange, Place
from headrace.kafka.partitioning import fresh_key_partition


class UnknownTopic(ValueError):
    """There is no such topic; the message names those there are."""


class RecordFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All conditions that are set have to hold. Ids are compared as they are written: UUIDs in lower case."""

    key: str | None = None
    workspace: str | None = None
    #: The lead an event is about, or that it names: merges name two.
    lead_id: str | None = None
    #: `message.received` is every version of it, `message.received.v1` that one.
    type: str | None = None
    #: The webhook that caused it; verdicts name the first receipt of a duplicate, too.
    receipt_id: str | None = None

    def matches(self, record: Record) -> bool:
        """Whether the record is meant. One that can't be decoded is judged by what can be read of it."""
        if self.key is not None and record.key != self.key.encode():
            return False
        if self.lead_id is not None and not _mentions(record, self.lead_id):
            return False
        if self.receipt_id is not None and not _mentions(record, self.receipt_id):
            return False
        if self.workspace is None and self.type is None:
            return True
        headers = header_map(record.headers)
        return self._is_of_workspace(record, headers) and self._is_of_type(headers)

    def ranges(self, ranges: dict[Place, LogRange]) -> dict[Place, LogRange]:
        """The ranges that can hold such a record: a key lives in one partition of each topic."""
        if self.key is None:
            return ranges
        key = self.key.encode()
        counts: dict[str, int] = {}
        for topic, partition in ranges:
            counts[topic] = max(counts.get(topic, 0), partition + 1)
        return {
            (topic, partition): log_range
            for (topic, partition), log_range in ranges.items()
            if partition == fresh_key_partition(key, counts[topic])
        }

    def _is_of_workspace(self, record: Record, headers: dict[str, str]) -> bool:
        if self.workspace is None:
            return True
        # Records without a readable header are still found by the key, where that is the workspace.
        return headers.get("ce_workspace", record.key.decode("utf-8", "replace")) == self.workspace

    def _is_of_type(self, headers: dict[str, str]) -> bool:
        type_ = headers.get("ce_type", "")
        return self.type is None or type_ == self.type or type_.rpartition(".v")[0] == self.type


def topics_named(names: list[str], prefix: str = "") -> list[Topic]:
    """The topics of these names, with or without the installation's prefix; `webhooks.*` is all that begin so.

    None is all of them. Raises UnknownTopic.
    """
    if not names:
        return list(TOPIC_BY_NAME.values())
    topics: dict[str, Topic] = {}
    for name in (name.removeprefix(prefix) for name in names):
        start = name.removesuffix("*")
        fitting = {n: t for n, t in TOPIC_BY_NAME.items() if (n.startswith(start) if name.endswith("*") else n == name)}
        if not fitting:
            raise UnknownTopic(f"there is no topic {name!r}; there are {', '.join(TOPIC_BY_NAME)}, and webhooks.*")
        topics |= fitting
    return list(topics.values())


def _mentions(record: Record, id_: str) -> bool:
    """Whether key, headers or value hold the id."""
    wanted = id_.encode()
    if wanted in record.key or (record.value is not None and wanted in record.value):
        return True
    return any(value is not None and wanted in value for _, value in record.headers)
