"""Refusals of all processes and windows are added up by kind."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.events.receipts import WebhooksRefused
from operations.refusals.refused import added_up

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def event(count: int, seconds: int, **fields: Any) -> WebhooksRefused:
    end = NOW + timedelta(seconds=seconds)
    about: dict[str, Any] = {
        "process_id": "host:1",
        "route": "/webhooks/ghl",
        "status": 401,
        "reason": "unproven-sender",
        "window_start": end - timedelta(seconds=10),
        "window_end": end,
        "count": count,
    }
    return WebhooksRefused(**(about | fields))


def test_the_most_frequent_kind_is_first_and_an_event_that_came_twice_counts_once() -> None:
    kinds = added_up(
        [
            event(2, 0),
            event(2, 0),
            event(2, 0, process_id="host:2"),
            event(1, 20),
            event(9, 10, account="location_id=L1"),
        ]
    )
    assert [(one.account, one.count) for one in kinds] == [("location_id=L1", 9), ("", 5)]
    assert (kinds[1].first_at, kinds[1].last_at) == (NOW, NOW + timedelta(seconds=20))
