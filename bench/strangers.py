"""What a sender's webhooks take while strangers do their worst: `python -m bench.strangers`.

The strangers are one process with raw sockets on loopback; the sender is another (`bench.http_load`).
"""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import msgspec
import psutil

from bench.http_load import LoadPlan, LoadReport
from bench.place import START_SECONDS, broker, headrace, module, temporary_home, wait
from bench.webhooks import FILE
from dev.home import Home
from dev.ports import LOOPBACK, free_ports
from dev.supervisor import ingest_is_ready
from providers.registry import ADAPTERS
from runtime.settings import Settings
from runtime.topics import create_topics
from workspaces.document import read_workspace_files
from workspaces.store import apply_workspaces

_MIB = 1_048_576
_SENDER = LoadPlan(port=0, traffic="replies", connections=4, rate=100, seconds=6)
_PATIENCE = 60.0


class Onslaught(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attack."""

    name: str
    sender: LoadReport
    rss_mib: float
    #: Answers the strangers got, by status; 0 is a connection that was closed without one.
    answers: dict[int, int]


class Strangers:
    """Attacks on one port. Each returns the status of every connection's first answer."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds

    async def slow_heads(self) -> list[int]:
        """A byte of a header now and then."""
        begin = b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\nx-long: "
        return await self._many(500, lambda one: self._slowly(one, begin))

    async def slow_bodies(self) -> list[int]:
        """Most of a MiB at once, then a byte now and then."""
        head = _head("ghl", _MIB)
        return await self._many(500, lambda one: self._slowly(one, head + b" " * (_MIB - 1000)))

    async def idle(self) -> list[int]:
        """Connections that say nothing."""
        return await self._many(3000, lambda one: self._slowly(one, b""))

    async def header_flood(self) -> list[int]:
        """2.5 million headers."""
        begin = b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\n"
        return await self._many(1, lambda one: one.send_all(begin, b"a: b\r\n" * 10_000, 250))

    async def long_headers(self) -> list[int]:
        """Heads of one endless header."""
        begin = b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\na: "
        return await self._many(100, lambda one: one.send_all(begin, b"b" * 100_000, 100))

    async def trailer_flood(self) -> list[int]:
        """A tiny body with endless headers behind it."""
        begin = b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n"
        return await self._many(20, lambda one: one.send_all(begin, b"a: b\r\n" * 10_000, 100))

    async def pipelines(self) -> list[int]:
        """Requests that wait for no answer."""
        one_request = b"GET /webhooks/ghl HTTP/1.1\r\nhost: x\r\n\r\n"
        return await self._many(50, lambda one: one.send_all(b"", one_request * 2000, 20))

    async def brackets(self) -> list[int]:
        """200 bodies of `[],` at once: no proof, a wrong one in the body's place, a right one, a wrong signature."""
        heads = (
            _head("ghl", _MIB),
            _head("smartlead", _MIB),
            _head("ghl", _MIB, "x-headrace-secret: sample-ghl-new\r\n"),
            _head("smartlead", _MIB, "x-smartlead-signature: 00\r\n"),
        )
        body = (b'{"a":[' + b"[]," * (_MIB // 3))[:_MIB]
        numbers = iter(range(200))
        return await self._many(200, lambda one: one.send_all(heads[next(numbers) % 4], body, 1))

    async def _many(self, count: int, attack: "Callable[[_Stranger], Awaitable[None]]") -> list[int]:
        return list(await asyncio.gather(*(self._attacked(attack) for _ in range(count))))

    async def _attacked(self, attack: "Callable[[_Stranger], Awaitable[None]]") -> int:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
        except OSError:
            return 0
        stranger = _Stranger(reader, writer)
        try:
            await attack(stranger)
            return await asyncio.wait_for(stranger.status(), _PATIENCE)
        except OSError:
            return await stranger.status_if_any()
        finally:
            writer.close()

    async def _slowly(self, one: "_Stranger", begin: bytes) -> None:
        await one.send_all(begin, b"", 0)
        for _ in range(round(self._seconds)):
            await asyncio.sleep(1)
            if begin:
                await one.send_all(b"x", b"", 0)
        one.hang_up()


class _Stranger:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send_all(self, begin: bytes, piece: bytes, count: int) -> None:
        self._writer.write(begin)
        for _ in range(count):
            self._writer.write(piece)
            await self._writer.drain()
        await self._writer.drain()

    def hang_up(self) -> None:
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    async def status(self) -> int:
        line = await self._reader.readline()
        return int(line.split()[1]) if line.startswith(b"HTTP/") else 0

    async def status_if_any(self) -> int:
        try:
            return await self.status()
        except OSError:
            return 0


ATTACKS = (
    "slow_heads",
    "slow_bodies",
    "idle",
    "header_flood",
    "long_headers",
    "trailer_flood",
    "pipelines",
    "brackets",
)


def _head(provider: str, length: int, proof: str = "") -> bytes:
    return (
        f"POST /webhooks/{provider} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"{proof}content-length: {length}\r\n\r\n"
    ).encode()


async def attacked(name: str, port: int, pid: int) -> Onslaught:
    """One attack while another sender posts."""
    plan = msgspec.structs.replace(_SENDER, port=port)
    program = module("http_load", msgspec.json.encode(plan).decode(), variables={})
    sender = await asyncio.create_subprocess_exec(
        *program.argv, env=dict(program.environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    memory = asyncio.create_task(_most_memory(pid))
    await asyncio.sleep(0.5)
    answers = await getattr(Strangers(port, (plan.seconds or 0) - 1), name)()
    stdout, stderr = await sender.communicate()
    memory.cancel()
    assert sender.returncode == 0, stderr.decode().splitlines()[-1]
    counted = {status: answers.count(status) for status in sorted(set(answers))}
    report = msgspec.json.decode(stdout, type=LoadReport)
    return Onslaught(name=name, sender=report, rss_mib=_peak[pid], answers=counted)


_peak: dict[int, float] = {}


async def _most_memory(pid: int) -> None:
    process = psutil.Process(pid)
    _peak[pid] = 0.0
    while True:
        _peak[pid] = max(_peak[pid], process.memory_info().rss / _MIB)
        await asyncio.sleep(0.02)


def main() -> None:
    """Every attack in turn, a line each."""
    names = sys.argv[1:] or ATTACKS
    with ExitStack() as stack:
        home = stack.enter_context(temporary_home())
        port, pid = stack.enter_context(_ingest(home, stack.enter_context(broker(home))))
        for name in names:
            found = asyncio.run(attacked(name, port, pid))
            sender = found.sender
            print(
                f"{name:14} p50 {sender.p50_ms:6.1f} ms  p99 {sender.p99_ms:7.1f} ms  max {sender.max_ms:7.1f} ms  "
                f"sender {sender.statuses}  ingest {found.rss_mib:.0f} MiB  strangers {found.answers}",
                flush=True,
            )


class _ingest:  # noqa: N801
    def __init__(self, home: Home, base: Settings) -> None:
        self._home, self._base = home, base
        self._stack = ExitStack()

    def __enter__(self) -> tuple[int, int]:
        from bench.place import running  # noqa: PLC0415

        (port,) = free_ports(1)
        settings = self._base.model_copy(update={"ingest_port": port})
        create_topics(settings)
        apply_workspaces(settings, read_workspace_files([FILE], ADAPTERS), datetime.now(UTC))
        process = self._stack.enter_context(running(headrace("ingest", settings), self._home))
        url = f"http://{LOOPBACK}:{port}"
        wait(lambda: ingest_is_ready(url), START_SECONDS, process, self._home.log("ingest"), tick=0.2)
        httpx.get(f"{url}/webhooks/ghl", trust_env=False)
        return port, process.pid

    def __exit__(self, *_: object) -> None:
        self._stack.close()


if __name__ == "__main__":
    main()
