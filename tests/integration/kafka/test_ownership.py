"""Only the owner of a partition writes its table: a worker that was stopped, doubled or cut off writes nothing more."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from headrace.events.topics import INBOX
from headrace.exit_status import NEEDS_A_PERSON, START_AGAIN
from headrace.settings import Settings
from tests.integration.kafka.programs import log_of, program, records, send, twin, until

OWNING = "owning_program.py"


async def forwarded(settings: Settings) -> list[tuple[str, bytes | None]]:
    """Offset of each record that was forwarded, and what the table held of its key."""
    return [
        (dict(record.headers)["at"].decode(), record.value) for record in await records(settings, settings.topic(INBOX))
    ]


async def changelog(settings: Settings, table: str) -> dict[bytes, bytes]:
    """What whoever reads the changelog from its beginning has at its end."""
    entries: dict[bytes, bytes] = {}
    for record in await records(settings, f"{settings.topic_prefix}owning-{table}-changelog"):
        if not record.key.startswith(b"__headrace"):
            entries[record.key] = record.value
    return entries


async def until_forwarded(settings: Settings, *entries: tuple[str, bytes | None]) -> None:
    async def stand() -> bool:
        return set(entries) <= set(await forwarded(settings))

    await until(stand, f"forwarded {entries}")


def hint(settings: Settings) -> str:
    return log_of(settings).read_text()


class Lingering:
    """Keeps a program from remembering what it has forwarded, while it is on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.arguments = ("--linger", str(file))
        file.touch()

    def end(self) -> None:
        self._file.unlink()


@pytest.fixture
def linger(tmp_path: Path) -> Lingering:
    return Lingering(tmp_path / "linger")


@pytest.mark.usefixtures("topics_created")
async def test_what_a_stopped_worker_was_about_to_write_is_written_nowhere(
    kafka_settings: Settings, linger: Lingering
) -> None:
    first, second = kafka_settings, twin(kafka_settings, "1", "second")
    with program(first, OWNING, *linger.arguments) as stopped:
        await send(first, ["key"], partition=0)
        await until_forwarded(first, ("0", None))
        stopped.send_signal(signal.SIGSTOP)
        with program(second, OWNING):
            await until_forwarded(first, ("0", None))
            await send(first, ["key"], partition=0)
            await until_forwarded(first, ("1", b"0@1"))
            linger.end()
            stopped.send_signal(signal.SIGCONT)
            assert await asyncio.to_thread(stopped.wait, 30) == START_AGAIN
        assert "another worker has written" in hint(first) or "went on without this worker" in hint(first)
        assert await changelog(first, "owners") == {b"key": b"1@1"}
    # With the files it had then, the first one knows what the second did while it stood.
    with program(first, OWNING):
        await send(first, ["key"], partition=0)
        await until_forwarded(first, ("2", b"1@1"))


@pytest.mark.usefixtures("topics_created")
@pytest.mark.parametrize("directory", ["first", "second"])
async def test_the_newer_of_two_processes_with_one_instance_id_ends_says_why_and_disturbs_nobody(
    kafka_settings: Settings, directory: str
) -> None:
    first = twin(kafka_settings, kafka_settings.instance_id, "first")
    second = twin(kafka_settings, kafka_settings.instance_id, directory)
    with program(first, OWNING) as older:
        await send(first, ["key"], partition=0)
        await until_forwarded(first, ("0", None))
        with program(second, OWNING) as newer:
            assert await asyncio.to_thread(newer.wait, 60) == NEEDS_A_PERSON
        assert "HEADRACE_INSTANCE_ID" in hint(second)
        await send(first, ["key"], partition=0)
        await until_forwarded(first, ("1", f"0@{first.instance_id}".encode()))
        assert older.poll() is None
    assert await changelog(first, "owners") == {b"key": f"1@{first.instance_id}".encode()}


@pytest.mark.usefixtures("topics_created")
async def test_a_table_moves_there_and_back_while_its_owners_are_stopped_by_turns(kafka_settings: Settings) -> None:
    first, second = kafka_settings, twin(kafka_settings, "1", "second")
    keys = [f"key-{number % 50:02d}" for number in range(2_000)]
    sent = 0
    for victim_number in range(2):
        with program(first, OWNING) as one, program(second, OWNING) as other:
            victim = (one, other)[victim_number]
            for part in range(3):
                await send(first, keys)
                sent += len(keys)
                if part == 0:
                    victim.send_signal(signal.SIGSTOP)
                if part == 1:
                    await asyncio.sleep(12)
                    victim.send_signal(signal.SIGCONT)
            await until_all_are_forwarded(first, sent)
    newest = await newest_of_each_key(first)
    folded = await changelog(first, "owners")
    assert {key: int(value.split(b"@")[0]) for key, value in folded.items()} == newest


async def until_all_are_forwarded(settings: Settings, count: int) -> None:
    async def stand() -> bool:
        read = await records(settings, settings.topic(INBOX))
        return len({(record.partition, dict(record.headers)["at"]) for record in read}) == count

    await until(stand, f"{count} records forwarded")


async def newest_of_each_key(settings: Settings) -> dict[bytes, int]:
    newest: dict[bytes, Any] = {}
    for record in await records(settings, settings.topic(INBOX)):
        newest[record.key] = max(newest.get(record.key, -1), int(dict(record.headers)["at"]))
    return newest
