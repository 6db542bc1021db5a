"""Adds up what ingest refused within a window, by kind: out of the log, where each process leaves its counts."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from headrace.events.codec import UNREADABLE, Codec
from headrace.events.envelope import read_attribute
from headrace.events.receipts import WebhooksRefused
from headrace.events.topics import REFUSALS
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.settings import Settings

_CODEC = Codec()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Refusals of one kind, of all processes."""

    route: str
    status: int
    #: As in the answer's `type`, such as `unproven-sender`.
    reason: str
    #: What the answer did not tell; empty when there is no more to tell.
    why: str
    #: Whom the sender named; empty when nobody was named, or nobody looked.
    account: str
    count: int
    #: Ends of the first and last ten seconds with such a refusal.
    first_at: datetime
    last_at: datetime


def refused_since(settings: Settings, from_: datetime) -> list[Refused]:
    """What was refused from then on, the most frequent first. Raises KafkaUnreachable or TopicsMissing."""
    window = LogOffsets(settings).window([settings.topic(REFUSALS)], from_)
    events = []
    for record in read_ranges(settings, window):
        try:
            events.append(_CODEC.decode(read_attribute(record.headers, "ce_type"), record.value or b""))
        except UNREADABLE:
            # Nothing of ours: the others tell what they can.
            continue
    return added_up(event for event in events if isinstance(event, WebhooksRefused))


def added_up(events: Iterable[WebhooksRefused]) -> list[Refused]:
    """One for each kind, the most frequent first. An event that came twice counts once."""
    kinds: dict[tuple[str, int, str, str, str], set[WebhooksRefused]] = {}
    for event in events:
        kind = event.route, event.status, event.reason, event.why, event.account
        kinds.setdefault(kind, set()).add(event)
    refused = [
        Refused(
            route=route,
            status=status,
            reason=reason,
            why=why,
            account=account,
            count=sum(one.count for one in found),
            first_at=min(one.window_end for one in found),
            last_at=max(one.window_end for one in found),
        )
        for (route, status, reason, why, account), found in kinds.items()
    ]
    return sorted(refused, key=lambda one: (-one.count, one.route, one.status, one.reason, one.account))
