"""The backlog of the dedupe benchmark: every number once, a tenth repeated, the same each time."""

from bench.dedupe import DedupeSizes, numbers
from bench.fill_seen import dedupe_key_format
from bench.topics import opaque, webhooks
from headrace.events.webhooks import read_webhook
from headrace.providers.payload import read_payload
from headrace.providers.registry import ADAPTERS


def test_repeats_come_after_their_first() -> None:
    sizes = DedupeSizes(distinct=5000, repeats=0.1)
    found = list(numbers(sizes))
    assert list(dict.fromkeys(found)) == list(range(5000))
    assert 5400 < len(found) < 5600
    assert found == list(numbers(sizes))


def test_opaque_messages_have_their_size_and_a_key_of_their_own() -> None:
    records = list(opaque(range(3), 400))
    assert [len(record.value) for record in records] == [400, 400, 400]
    assert len({record.key for record in records}) == 3


def test_webhooks_are_written_as_ingest_writes_them() -> None:
    (record,) = webhooks("sent notices", [7])
    meta = read_webhook(record.headers)
    delivery = ADAPTERS[meta.provider].deliver(meta.workspace, read_payload(record.value))
    assert (delivery.dedupe_key.encode(), delivery.lane) == (record.key, "bulk")


def test_the_filled_table_has_real_keys() -> None:
    (record,) = webhooks("linkedin", [12_345])
    assert dedupe_key_format() % 12_345 == record.key
