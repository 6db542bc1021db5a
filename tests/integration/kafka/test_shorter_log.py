"""A broker that lost its newest records: nothing new is dropped in silence, and tables keep what was done."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.events.topics import INBOX
from headrace.exit_status import NEEDS_A_PERSON, START_AGAIN
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from tests.headrace_command import headrace
from tests.integration.kafka.programs import log_of, program, records, send, until
from tests.log_cutter import Broker, cut_logs
from tests.reply_topics import WEBHOOKS_GHL
from tests.services import temporary_home

FORWARDING = "forwarding_program.py"


@pytest.fixture
def broker() -> Iterator[Broker]:
    with temporary_home() as home:
        yield Broker(home)


@pytest.fixture
def of_broker(broker: Broker, tmp_path: Path) -> Settings:
    # The group is that of the pipeline, which the command knows.
    return Settings(kafka_bootstrap=broker.bootstrap, partitions=2, data_dir=tmp_path / "tables")


async def forwarded(settings: Settings) -> set[str]:
    return {record.key.decode() for record in await records(settings, settings.topic(INBOX))}


async def until_forwarded(settings: Settings, keys: list[str]) -> None:
    async def stand() -> bool:
        return set(keys) <= await forwarded(settings)

    await until(stand, f"{len(keys)} keys forwarded")


def truncated(settings: Settings, *arguments: str) -> tuple[int, list[dict[str, int | str]]]:
    environment = {"KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "HEADRACE_PARTITIONS": str(settings.partitions)}
    done = headrace(environment, "topics", "truncated", "--json", *arguments)
    return done.exit_code, json.loads(done.stdout)["truncated"] if done.stdout else []


def keys_from(first: int, count: int) -> list[str]:
    return [f"key-{number:06d}" for number in range(first, first + count)]


@pytest.mark.parametrize(
    ("refill", "runs"),
    [(3, True), (3_000, False)],
    ids=["shorter than before, while the worker runs", "longer than before, while it is down"],
)
async def test_new_records_at_old_offsets_are_processed(
    broker: Broker, of_broker: Settings, refill: int, runs: bool
) -> None:
    settings = of_broker
    before, after = keys_from(0, 2_000), keys_from(10_000, refill)
    arguments = ("--group", "pipeline")
    with broker.running():
        create_topics(settings)
        await send(settings, before)
        with program(settings, FORWARDING, *arguments):
            await until_forwarded(settings, before)
            await until(lambda: _committed(settings, 2_000), "all committed")
    cut_logs(broker.data, 2_500, lambda topic: topic == settings.topic(WEBHOOKS_GHL))
    with broker.running():
        if runs:
            # As it is when the broker comes back under a worker: it starts first, the new records come after.
            with program(settings, FORWARDING, *arguments) as worker:
                assert await asyncio.to_thread(worker.wait, 60) == NEEDS_A_PERSON
            await send(settings, after)
        else:
            await send(settings, after)
            with program(settings, FORWARDING, *arguments) as worker:
                assert await asyncio.to_thread(worker.wait, 60) == NEEDS_A_PERSON
        assert "headrace topics truncated --execute" in log_of(settings).read_text()
        status, cuts = truncated(settings)
        assert status == 1
        assert {(cut["group"], cut["topic"]) for cut in cuts} == {("pipeline", settings.topic(WEBHOOKS_GHL))}
        assert sum(int(cut["end"]) - int(cut["cut"]) for cut in cuts) == refill, cuts
        assert all(int(cut["cut"]) < int(cut["position"]) for cut in cuts)
        await until(lambda: _set_back(settings), "positions set back")
        with program(settings, FORWARDING, *arguments):
            await until_forwarded(settings, after)
        assert truncated(settings) == (0, [])


async def _committed(settings: Settings, count: int) -> bool:
    from headrace.kafka.log_offsets import LogOffsets  # noqa: PLC0415

    places = [(settings.topic(WEBHOOKS_GHL), number) for number in range(settings.partitions)]
    return sum(LogOffsets(settings).committed("pipeline", places).values()) == count


async def _set_back(settings: Settings) -> bool:
    """Once Kafka has noticed that the worker is gone."""
    status, _ = await asyncio.to_thread(truncated, settings, "--execute")
    return status == 0


async def test_a_worker_notices_when_the_broker_comes_back_shorter_under_it(
    broker: Broker, of_broker: Settings
) -> None:
    settings = of_broker
    before = keys_from(0, 2_000)
    with broker.running():
        create_topics(settings)
        await send(settings, before)
        # Started here, ended below: it lives through the broker's death.
        running = program(settings, FORWARDING, "--group", "pipeline")
        worker = running.__enter__()
        await until_forwarded(settings, before)
        await until(lambda: _committed(settings, 2_000), "all committed")
    try:
        cut_logs(broker.data, 2_500, lambda topic: topic == settings.topic(WEBHOOKS_GHL))
        with broker.running():
            await send(settings, ["new-0", "new-1"])
            status = await asyncio.to_thread(worker.wait, 60)
            if status == START_AGAIN:
                # The broker was away for so long that the group went on without it; its supervisor starts it again.
                with program(settings, FORWARDING, "--group", "pipeline") as again:
                    status = await asyncio.to_thread(again.wait, 60)
            assert status == NEEDS_A_PERSON
            assert "the log was cut at" in log_of(settings).read_text()
    finally:
        running.__exit__(None, None, None)


@pytest.mark.parametrize("size", [2_500, 10_000_000], ids=["its end", "all of it"])
async def test_a_cut_changelog_gets_back_what_the_table_has(broker: Broker, of_broker: Settings, size: int) -> None:
    settings = of_broker
    changelog = "pipeline-forwarded-changelog"
    keys = keys_from(0, 2_000)
    with broker.running():
        create_topics(settings)
        await send(settings, keys)
        with program(settings, FORWARDING, "--group", "pipeline"):
            await until_forwarded(settings, keys)
            await until(lambda: _committed(settings, 2_000), "all committed")
    cut_logs(broker.data, size, lambda topic: topic == changelog)
    with broker.running():
        assert len(await _remembered(settings, changelog)) < len(keys)
        with program(settings, FORWARDING, "--group", "pipeline"):
            # Sent again, and none forwarded again.
            await send(settings, [*keys[-100:], "new"])
            await until_forwarded(settings, ["new"])
            await until(lambda: _committed(settings, 2_101), "all committed")
        assert len(await records(settings, settings.topic(INBOX))) == len(keys) + 1
        assert await _remembered(settings, changelog) == {*keys, "new"}


async def _remembered(settings: Settings, changelog: str) -> set[str]:
    entries: dict[str, bytes | None] = {}
    for record in await records(settings, changelog):
        if not record.key.startswith(b"__headrace"):
            entries[record.key.decode()] = record.value
    return {key for key, value in entries.items() if value is not None}
