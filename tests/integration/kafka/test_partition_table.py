"""Claims on a real broker: after one, nobody else writes; a table that knows more than its changelog gives it back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from tenacity import Retrying, stop_after_delay, wait_fixed

from headrace.kafka.faust.partition_table import PartitionTable
from headrace.kafka.faust.stops import ForeignTable, Lost, Shortened
from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings
from tests.integration.kafka.programs import records, twin

PARTITION = 1


@asynccontextmanager
async def table_of(settings: Settings) -> AsyncIterator[PartitionTable]:
    """The table of a worker that is in no group: the test says when it gets and loses the partition."""
    worker = Worker(settings, "claims")
    table = worker.table("owned")
    worker.app.conf.datadir.mkdir(parents=True, exist_ok=True)
    worker.app._create_directories()
    await worker.app.changelog_producers.start()
    try:
        yield table
    finally:
        await worker.app.changelog_producers.stop()
        worker.app.tables["owned"].data._dbs.clear()


@pytest.fixture
def changelog(kafka_settings: Settings) -> str:
    name = f"{kafka_settings.topic_prefix}claims-owned-changelog"
    _create(kafka_settings, name)
    return name


def _create(settings: Settings, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    admin.create_topics([NewTopic(name, 2, 1, config={"cleanup.policy": "compact"})])[name].result()


async def fold(settings: Settings, changelog: str) -> dict[bytes, bytes]:
    entries: dict[bytes, bytes | None] = {}
    for record in await records(settings, changelog):
        if not record.key.startswith(b"__headrace"):
            entries[record.key] = record.value
    return {key: value for key, value in entries.items() if value is not None}


async def write(table: PartitionTable, **entries: str | None) -> None:
    await table.write(
        {PARTITION: {key.encode(): None if value is None else value.encode() for key, value in entries.items()}}
    )


async def test_after_a_claim_the_owner_before_it_writes_nothing(kafka_settings: Settings, changelog: str) -> None:
    async with table_of(kafka_settings) as first, table_of(twin(kafka_settings, "1", "second")) as second:
        await first.take_over([PARTITION])
        await write(first, a="first")
        await second.take_over([PARTITION])
        with pytest.raises(Lost):
            await write(first, a="late", b="late")
        # The second has not read what the first wrote, so it stores no position behind it.
        with pytest.raises(Lost):
            await write(second, c="second")
    assert await fold(kafka_settings, changelog) == {b"a": b"first", b"c": b"second"}


async def test_who_claims_again_goes_on_writing(kafka_settings: Settings, changelog: str) -> None:
    async with table_of(kafka_settings) as table:
        await table.take_over([PARTITION])
        await write(table, a="1")
        await table.claim_again()
        await write(table, a="2", b="2")
    async with table_of(kafka_settings) as table:
        await table.take_over([PARTITION])
        await write(table, b=None)
        assert table.get(PARTITION, b"a") == b"2"
    assert await fold(kafka_settings, changelog) == {b"a": b"2"}


async def test_one_whose_claim_was_taken_cannot_claim_again_unseen(kafka_settings: Settings, changelog: str) -> None:
    assert changelog
    async with table_of(kafka_settings) as first, table_of(twin(kafka_settings, "1", "second")) as second:
        await first.take_over([PARTITION])
        await second.take_over([PARTITION])
        with pytest.raises(Lost):
            await first.claim_again()


async def pretend_cut(table: Any, by: int) -> None:
    """The table has entries the changelog has lost: as if the log had ended so many records earlier."""
    position = table._position(PARTITION)
    table._remember(PARTITION, {b"lost": b"kept"}, position + by)


async def test_a_table_gives_its_changelog_what_that_lost(kafka_settings: Settings, changelog: str) -> None:
    async with table_of(kafka_settings) as table:
        await table.take_over([PARTITION])
        await write(table, a="1", deleted="1")
        await pretend_cut(table, 5)
        table._remember(PARTITION, {b"deleted": None}, table._position(PARTITION))
        await table.take_over([PARTITION])
        await table.restore_changelogs()
        await write(table, b="2")
    assert await fold(kafka_settings, changelog) == {b"a": b"1", b"lost": b"kept", b"b": b"2"}


async def test_a_changelog_that_is_cut_under_a_running_worker_is_noticed(
    kafka_settings: Settings, changelog: str
) -> None:
    async with table_of(kafka_settings) as table:
        await table.take_over([PARTITION])
        await pretend_cut(table, 5)
        with pytest.raises(Shortened):
            await write(table, a="1")
    async with table_of(kafka_settings) as table:
        await table.take_over([PARTITION])
        await table.restore_changelogs()
    assert await fold(kafka_settings, changelog) == {b"a": b"1", b"lost": b"kept"}


async def test_a_table_behind_others_is_read_anew_instead(kafka_settings: Settings, changelog: str) -> None:
    async with table_of(kafka_settings) as old, table_of(twin(kafka_settings, "1", "second")) as other:
        await old.take_over([PARTITION])
        await write(old, a="old")
        await other.take_over([PARTITION])
        await pretend_cut(old, 50)
        await old.take_over([PARTITION])
        with pytest.raises(Lost):
            await old.restore_changelogs()
        assert old.get(PARTITION, b"lost") is None
        assert old._position(PARTITION) == -1
    assert await fold(kafka_settings, changelog) == {b"a": b"old"}


async def test_files_of_a_topic_that_was_made_anew_are_refused(kafka_settings: Settings, changelog: str) -> None:
    async with table_of(kafka_settings) as table:
        await table.take_over([PARTITION])
    admin = AdminClient({"bootstrap.servers": kafka_settings.kafka_bootstrap})
    admin.delete_topics([changelog])[changelog].result()
    _create_again(kafka_settings, changelog)
    async with table_of(kafka_settings) as table:
        with pytest.raises(ForeignTable, match="Remove the directory"):
            await table.take_over([PARTITION])


def _create_again(settings: Settings, name: str) -> None:
    """The name is free once the broker has done with the old topic."""
    for attempt in Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.2), reraise=True):
        with attempt:
            _create(settings, name)
