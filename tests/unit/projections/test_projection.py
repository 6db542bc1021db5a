"""Projections are total over their events, deterministic, and each table has one writer."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from headrace.events.codec import EVENT_TYPES, NewerEvent, UndecodableEvent, UnknownEventType
from headrace.events.envelope import Envelope, EnvelopeError, parse_time
from headrace.events.records import Record
from projections.projection import BadRecord, Projection, decode_event
from projections.projectors.leads import PROJECTION as LEADS
from projections.registry import ALL_PROJECTIONS
from projections.tables import proj_metadata

HEADERS = Envelope(id="1", type="lead.merged.v1", source="/t", time=parse_time("2026-03-02T09:00:00Z")).headers()
MERGED = b'{"receipt_id":"r","workspace":"w","lead_id":"a","into_lead_id":"b","merged_at":"2026-03-02T09:00:00Z"}'


def record(value: bytes | None, headers: list[tuple[str, bytes]]) -> Record:
    return Record("messages", 0, 0, b"k", value, headers, 0)


def test_each_table_is_written_by_one_projection_and_none_is_forgotten() -> None:
    written = Counter(table for projection in ALL_PROJECTIONS for table in projection.tables)
    assert written == {table.name: 1 for table in proj_metadata(1).tables.values()}


def test_each_topic_has_one_projection() -> None:
    assert len({projection.topic for projection in ALL_PROJECTIONS}) == len(ALL_PROJECTIONS)


@pytest.mark.parametrize("projection", ALL_PROJECTIONS, ids=lambda projection: str(projection.name))
def test_every_event_of_the_topic_has_a_projector(projection: Projection) -> None:
    if projection.decode is decode_event:
        assert {EVENT_TYPES[name][0] for name in projection.topic.events} == set(projection.projectors)


def test_an_event_becomes_the_columns_of_its_table() -> None:
    (operation,) = LEADS.project(record(MERGED, HEADERS))
    lineage = {"src_topic", "src_partition", "src_offset", "proj_rev"}
    table = proj_metadata(1).tables[f"proj_v1.{operation.table}"]
    assert set(operation.values) | lineage == {column.name for column in table.columns}


@pytest.mark.parametrize(
    ("value", "headers", "error"),
    [
        (None, HEADERS, BadRecord),
        (MERGED, [], EnvelopeError),
        (b"{}", HEADERS, UndecodableEvent),
        (b"\xff", HEADERS, UndecodableEvent),
        (b"[" * 100_000, HEADERS, UndecodableEvent),
        (MERGED, [(n, b"what.v1" if n == "ce_type" else v) for n, v in HEADERS], UnknownEventType),
    ],
)
def test_whatever_is_wrong_with_a_record_is_one_kind_of_error(
    value: bytes | None, headers: list[tuple[str, bytes]], error: type[ValueError]
) -> None:
    with pytest.raises(error):
        decode_event(record(value, headers))


def test_an_event_of_a_newer_program_is_no_bad_record() -> None:
    headers = [(n, b"lead.merged.v9" if n == "ce_type" else v) for n, v in HEADERS]
    with pytest.raises(
        NewerEvent, match=r"'lead\.merged\.v9' is newer than this program, which knows version 1"
    ) as raised:
        decode_event(record(MERGED, headers))
    assert not isinstance(raised.value, ValueError)


def test_an_event_of_another_topic_is_refused() -> None:
    headers = [(n, b"receipt.judged.v1" if n == "ce_type" else v) for n, v in HEADERS]
    receipt = (
        b'{"receipt_id":"r","workspace":"w","provider":"p","verdict":"fresh","dedupe_key":"k",'
        b'"received_at":"2026-03-02T09:00:00Z","source_topic":"t","source_partition":0,"source_offset":0,"body_bytes":1}'
    )
    with pytest.raises(BadRecord, match="ReceiptJudged does not belong"):
        LEADS.project(record(receipt, headers))


PROGRAM = """
from headrace.events.inbox import Identity
from headrace.events.messages import LeadChanged
from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, parse_time
from headrace.events.records import Record
from projections.projectors.leads import PROJECTION as LEADS
time = parse_time("2026-03-02T09:00:00+01:00")
lead = LeadChanged(receipt_id="r", workspace="w", lead_id="l", created_at=time, changed_at=time,
                   identities=tuple(Identity(kind="email", value=f"{n}@x.io") for n in range(9)))
headers = Envelope(id="1", type="lead.changed.v1", source="/t", time=time).headers()
print(LEADS.project(Record("messages", 0, 0, b"k", Codec().encode(lead), headers, 0)))
"""


def test_rows_depend_on_the_record_alone() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(outputs) == 1
