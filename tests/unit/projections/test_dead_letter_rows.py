"""Dead letters and what was done about them as rows: told twice, or in another order, they are the same rows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.events.dead_letters import DeadLetterDiscarded, DeadLetterFixed, DeadLetterRedriven, Redrive
from headrace.events.records import Record
from headrace.kafka.faust.dead_letters import dead_letter, fixed_letter, letter_event
from headrace.settings import Settings
from projections.projection import BadRecord
from projections.projectors.dead_letters import PROJECTION as DEAD_LETTER_LIST

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LETTER = "webhooks.ghl:3:1207:dedupe"
RUN = "5f0c54a3-4f0d-4c43-9d62-0d8a5f1f4a11"
ABOUT: dict[str, Any] = {"letter_id": LETTER, "generation": 1, "at": NOW}
PLACE: dict[str, Any] = {"topic": "webhooks.ghl", "partition": 3, "offset": 1300}
SETTINGS = Settings(partitions=8)


def sent_again(generation: int = 1) -> Record:
    headers = [("ce_id", b"r"), ("ce_receiptid", b"r"), ("ce_workspace", b"acme")]
    headers += Redrive(LETTER, generation).headers()
    return Record("webhooks.ghl", 3, 1300, b"key", b"{}", headers, round(NOW.timestamp() * 1000))


def stored(out: Any, offset: int = 0) -> Record:
    return Record("dead-letters", out.partition, offset, out.key, out.value, out.headers, 0)


def rows(record: Record) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for table, values in DEAD_LETTER_LIST.project(record):
        found.setdefault(table, []).append(dict(values))
    return found


def test_a_record_that_failed_the_first_time_is_a_letter_and_nothing_more() -> None:
    record = Record("webhooks.ghl", 3, 1207, b"key", b"{}", [("ce_id", b"r")], 0)
    assert list(rows(stored(dead_letter(SETTINGS, record, "dedupe", KeyError())))) == ["dead_letters"]
    assert fixed_letter(SETTINGS, record, "dedupe") == []


def test_one_that_failed_again_is_told_of_the_letter_it_was() -> None:
    found = rows(stored(dead_letter(SETTINGS, sent_again(2), "dedupe", KeyError())))
    assert found["dead_letters"][0]["origin_offset"] == 1300
    (again,) = found["dead_letter_events"]
    assert (again["letter_id"], again["event"], again["generation"]) == (LETTER, "failed", 2)
    assert (again["record_topic"], again["record_partition"], again["record_offset"]) == ("webhooks.ghl", 3, 1300)
    assert again["error_class"] == "KeyError"


def test_one_that_went_through_is_told_as_fixed_by_the_same_event_each_time() -> None:
    (first,), (second,) = fixed_letter(SETTINGS, sent_again(), "dedupe"), fixed_letter(SETTINGS, sent_again(), "dedupe")
    assert first == second
    ((fixed,),) = rows(stored(first)).values()
    assert (fixed["event"], fixed["workspace_id"], fixed["receipt_id"]) == ("fixed", "acme", "r")


@pytest.mark.parametrize(
    "event",
    [
        DeadLetterRedriven(**ABOUT, **PLACE, by="ann", run_id=RUN),
        DeadLetterFixed(**ABOUT, **PLACE, stage="dedupe"),
        DeadLetterDiscarded(**ABOUT, by="ann", run_id=RUN, reason="a test"),
    ],
)
def test_what_is_done_is_one_row_however_often_it_is_written(event: Any) -> None:
    records = [stored(letter_event(SETTINGS, b"key", event, "/cli/dlq"), offset) for offset in (0, 7)]
    assert rows(records[0]) == rows(records[1])
    ((row,),) = rows(records[0]).values()
    assert row["letter_id"] == LETTER
    assert row["stage"] == "dedupe"


def test_what_happened_to_two_records_of_one_generation_is_two_rows() -> None:
    ids = {
        rows(
            stored(
                letter_event(SETTINGS, b"key", DeadLetterFixed(**ABOUT, **PLACE | {"offset": o}, stage="dedupe"), "/x")
            )
        )["dead_letter_events"][0]["event_id"]
        for o in (1300, 1301)
    }
    assert len(ids) == 2


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("ce_type", b"message.received.v1")],
        [("dlq_stage", b"dedupe")],
    ],
)
def test_a_record_that_is_neither_is_refused(headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(BadRecord, match="without the header"):
        DEAD_LETTER_LIST.project(Record("dead-letters", 0, 0, b"key", b"{}", headers, 0))


def test_an_event_about_no_letter_is_refused() -> None:
    event = DeadLetterFixed(letter_id="nonsense", generation=1, at=NOW, stage="dedupe", **PLACE)
    with pytest.raises(BadRecord, match="names no dead letter"):
        DEAD_LETTER_LIST.project(stored(letter_event(SETTINGS, b"key", event, "/x")))
