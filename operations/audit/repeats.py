"""Records that hold a receipt which another record holds too: Kafka appended one webhook twice.

That happens when an acknowledgement comes later than the producer waits for it. Both records are one webhook, and
dedupe judges it once; to the offsets it looks like a verdict that is missing.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from headrace.events.envelope import header_map
from headrace.events.records import Record
from headrace.kafka.log_offsets import Place
from headrace.kafka.log_records import read_offsets
from headrace.settings import Settings
from operations.audit.findings import Repeat
from operations.audit.webhook_rows import WebhookRows


class Logged(msgspec.Struct, frozen=True):
    """What a record says it is."""

    receipt_id: str
    workspace: str


def logged(record: Record) -> Logged:
    """Of any record; empty where it says nothing."""
    headers = header_map(record.headers)
    return Logged(headers.get("ce_receiptid", ""), headers.get("ce_workspace", ""))


def repeats_among(settings: Settings, rows: WebhookRows, place: Place, records: Mapping[int, Logged]) -> list[Repeat]:
    """Those of the records, by offset, whose receipt was judged at another place of the partition and stands there."""
    wanted = {one for one in records.values() if _is_uuid(one.receipt_id)}
    judged = rows.verdict_offsets(place, [(one.workspace, one.receipt_id) for one in wanted])
    standing = _standing(settings, place, [offset for offsets in judged.values() for offset in offsets])
    repeats = []
    for offset, one in sorted(records.items()):
        for at in judged.get(one.receipt_id, ()):
            if at != offset and standing.get(at) == one:
                repeats.append(
                    Repeat(
                        topic=place[0],
                        partition=place[1],
                        offset=offset,
                        receipt_id=one.receipt_id,
                        judged_offset=at,
                    )
                )
                break
    return repeats


def _standing(settings: Settings, place: Place, offsets: Sequence[int]) -> dict[int, Logged]:
    """The log itself decides: a verdict that points to a wrong place must not hide a loss."""
    if not offsets:
        return {}
    return {record.offset: logged(record) for record in read_offsets(settings, place, offsets)}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
