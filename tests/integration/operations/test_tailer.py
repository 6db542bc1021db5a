"""Versions beside the live one follow the log, before a promotion and after it, and whoever else writes them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from headrace.events.envelope import format_time
from headrace.events.topics import MESSAGES
from headrace.settings import Settings
from operations.versions.swap import behind, find_version, is_followed, make_live, target_of_promotion
from projections.versions import live_version, versions
from projections.writing.tailer import VersionTailer
from tests.integration.operations.installation import NOW, Installation
from tests.integration.operations.rebuilding import content, rebuilt

DEADLINE = 30.0


@asynccontextmanager
async def tailer(settings: Settings, written_here: dict[str, int]) -> AsyncIterator[None]:
    service = VersionTailer(settings, lambda: written_here)
    await service.start()
    try:
        yield
    finally:
        await service.stop()


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if done():
                return
            await asyncio.sleep(0.1)


def lacks_nothing(settings: Settings, version: int) -> bool:
    """Whether that version of the leads has all that the live one has."""
    with psycopg.connect(settings.database_url) as connection:
        target = find_version(versions(connection), "leads", version)
        return behind(connection, target) == 0 and is_followed(connection, target)


def messages(settings: Settings, version: int) -> int:
    return len(content(settings, "leads", version)["messages"])


async def test_a_built_version_is_followed_and_so_is_the_one_before_after_its_promotion(
    installation: Installation, topics_created: tuple[str, ...]
) -> None:
    assert topics_created
    settings = installation.settings
    installation.message(0)
    await asyncio.to_thread(installation.project)
    version = await asyncio.to_thread(rebuilt, settings, "leads")
    async with tailer(settings, {"leads": 1}), tailer(settings, {"leads": 1}):
        installation.message(1)
        installation.message(2)
        await asyncio.to_thread(installation.project)
        await until(lambda: lacks_nothing(settings, version))
    assert content(settings, "leads", version) == content(settings, "leads", 1)
    assert messages(settings, version) == 3

    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        make_live(settings.database_url, [target_of_promotion(versions(connection), "leads", None)])
        assert live_version(connection, "leads") == version
    # A worker that started before goes on with version 1; the tail brings what is live now up to date.
    async with tailer(settings, {"leads": 1}):
        installation.message(3)
        await until(lambda: messages(settings, version) == 4)


async def test_a_version_that_went_back_is_read_again_though_nothing_comes(
    installation: Installation, topics_created: tuple[str, ...]
) -> None:
    """As a dump restored under a running worker would have it."""
    assert topics_created
    settings = installation.settings
    for number in range(3):
        installation.message(number)
    await asyncio.to_thread(installation.project)
    version = await asyncio.to_thread(rebuilt, settings, "leads")
    async with tailer(settings, {"leads": 1}):
        await until(lambda: lacks_nothing(settings, version))
        with psycopg.connect(settings.database_url) as connection:
            connection.execute(f"TRUNCATE proj_v{version}.messages".encode())
            connection.execute("DELETE FROM ctl.projection_offsets WHERE version = %s", [version])
        await until(lambda: messages(settings, version) == 3)
    assert content(settings, "leads", version) == content(settings, "leads", 1)


async def test_a_version_that_cannot_be_written_says_why_and_stops_nobody(
    installation: Installation, topics_created: tuple[str, ...]
) -> None:
    assert topics_created
    settings = installation.settings
    installation.message(0)
    await asyncio.to_thread(installation.project)
    version = await asyncio.to_thread(rebuilt, settings, "leads")
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE proj_v{version}.messages RENAME TO elsewhere".encode())
        installation.message(1)
        async with tailer(settings, {"leads": 1}):
            await until(lambda: find_version(versions(connection), "leads", version).problem is not None)
            connection.execute(f"ALTER TABLE proj_v{version}.elsewhere RENAME TO messages".encode())
            await until(lambda: messages(settings, version) == 2)


async def test_an_event_of_a_newer_program_holds_its_partition_and_no_other(
    installation: Installation, topics_created: tuple[str, ...]
) -> None:
    assert topics_created
    settings = installation.settings
    installation.message(0)
    await asyncio.to_thread(installation.project)
    version = await asyncio.to_thread(rebuilt, settings, "leads")
    time = format_time(NOW).encode()
    headers = {"ce_id": b"1", "ce_type": b"message.received.v99", "ce_source": b"/test", "ce_time": time}
    installation.message(1)
    installation.send(MESSAGES, 0, b"{}", list(headers.items()))
    installation.message(2)
    for _ in range(3):
        installation.send(MESSAGES, 1, b"{}", [])
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        async with tailer(settings, {"leads": 1}):
            await until(lambda: find_version(versions(connection), "leads", version).problem is not None)
            await until(lambda: positions(connection, version) == {0: 2, 1: 3})
            problem = find_version(versions(connection), "leads", version).problem
    assert problem == f"a newer program wrote {settings.topic(MESSAGES)}[0]@2: only it can go on"
    assert messages(settings, version) == 2


def positions(connection: psycopg.Connection[Any], version: int) -> dict[int, int]:
    found = connection.execute(
        "SELECT partition, next_offset FROM ctl.projection_offsets WHERE projection = 'leads' AND version = %s",
        [version],
    )
    return dict(found.fetchall())
