"""What a sender's webhooks take while strangers do their worst: `python -m bench.strangers [ATTACK…]`.

The strangers share one process with raw sockets on loopback; the sender is another (`bench.http_load`).
"""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle

import msgspec
import psutil

from bench.http_load import LoadPlan, LoadReport
from bench.place import START_SECONDS, broker, headrace, module, running, temporary_home, wait
from bench.webhooks import FILE
from headrace.kafka.topics import create_topics
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.document import read_workspace_files
from headrace.workspaces.store import apply_workspaces
from operations.dev.home import Home
from operations.dev.ports import LOOPBACK, free_ports
from operations.dev.supervisor import ingest_is_ready

_MIB = 1_048_576
#: Answered long before; what takes longer hangs.
_PATIENCE = 60.0
_NO_ANSWER = 0


class Onslaught(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attack."""

    sender: LoadReport
    #: The most memory ingest took.
    rss_mib: float
    #: Connections of strangers by the status of their first answer; 0 were closed without one.
    strangers: dict[int, int]


class Server(msgspec.Struct, frozen=True):
    """An ingest that knows the workspace of `bench.webhooks`."""

    port: int
    pid: int


class _Stranger:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, begin: bytes, piece: bytes = b"", count: int = 0) -> None:
        self._writer.write(begin)
        for _ in range(count):
            self._writer.write(piece)
            await self._writer.drain()
        await self._writer.drain()

    async def trickle(self, begin: bytes, seconds: float) -> None:
        """Then a byte a second, or none after a beginning of none."""
        await self.send(begin)
        for _ in range(round(seconds)):
            await asyncio.sleep(1)
            await self.send(b"x" if begin else b"")
        self._writer.write_eof()

    async def status(self) -> int:
        line = await self._reader.readline()
        return int(line.split()[1]) if line.startswith(b"HTTP/") else _NO_ANSWER


Attack = Callable[[_Stranger, float], Awaitable[None]]

_BEGIN = b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\n"
_TRAILER = _BEGIN + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n"
_GET = b"GET /webhooks/ghl HTTP/1.1\r\nhost: x\r\n\r\n"
_BRACKETS = (b'{"a":[' + b"[]," * (_MIB // 3))[:_MIB]


def _head(provider: str, proof: str = "") -> bytes:
    return (
        f"POST /webhooks/{provider} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"{proof}content-length: {_MIB}\r\n\r\n"
    ).encode()


#: Without a proof, without one where it could stand in the body, with a right one, with a wrong signature.
_BRACKET_HEADS = cycle(
    (
        _head("ghl"),
        _head("smartlead"),
        _head("ghl", "x-headrace-secret: sample-ghl-new\r\n"),
        _head("smartlead", "x-smartlead-signature: 00\r\n"),
    )
)

#: Name → connections at once, and what each does for some seconds.
ATTACKS: dict[str, tuple[int, Attack]] = {
    "slow heads": (500, lambda one, seconds: one.trickle(_BEGIN + b"x-long: ", seconds)),
    "slow bodies": (500, lambda one, seconds: one.trickle(_head("ghl") + b" " * (_MIB - 1000), seconds)),
    "silence": (3000, lambda one, seconds: one.trickle(b"", seconds)),
    "2.5 million headers": (1, lambda one, _: one.send(_BEGIN, b"a: b\r\n" * 10_000, 250)),
    "endless headers": (100, lambda one, _: one.send(_BEGIN + b"a: ", b"b" * 100_000, 100)),
    "endless trailers": (20, lambda one, _: one.send(_TRAILER, b"a: b\r\n" * 10_000, 100)),
    "endless pipelines": (50, lambda one, _: one.send(b"", _GET * 2000, 20)),
    "brackets": (200, lambda one, _: one.send(next(_BRACKET_HEADS), _BRACKETS, 1)),
}


async def attacked(name: str, server: Server, seconds: float = 6.0) -> Onslaught:
    """One attack, begun while another sender posts 100 webhooks a second. Raises RuntimeError if those don't end."""
    plan = LoadPlan(port=server.port, traffic="replies", connections=4, rate=100, seconds=seconds)
    program = module("http_load", msgspec.json.encode(plan).decode(), variables={})
    sender = await asyncio.create_subprocess_exec(
        *program.argv, env=dict(program.environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    watching = asyncio.create_task(_most_memory(server.pid, ended := asyncio.Event()))
    await asyncio.sleep(0.5)
    count, attack = ATTACKS[name]
    strangers = await asyncio.gather(*(_status_after(attack, server.port, seconds - 1) for _ in range(count)))
    stdout, stderr = await sender.communicate()
    ended.set()
    if sender.returncode != 0:
        raise RuntimeError(f"the sender's webhooks were not answered: {stderr.decode().splitlines()[-1]}")
    report = msgspec.json.decode(stdout, type=LoadReport)
    return Onslaught(sender=report, rss_mib=await watching, strangers=dict(Counter(strangers)))


async def _status_after(attack: Attack, port: int, seconds: float) -> int:
    """A connection that was reset while it was being written to may still hold an answer."""
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return _NO_ANSWER
    stranger = _Stranger(reader, writer)
    try:
        try:
            await attack(stranger, seconds)
        finally:
            status = await asyncio.wait_for(stranger.status(), _PATIENCE)
    except OSError:
        return _NO_ANSWER
    finally:
        writer.close()
    return status


async def _most_memory(pid: int, ended: asyncio.Event) -> float:
    process, most = psutil.Process(pid), 0.0
    while not ended.is_set():
        most = max(most, process.memory_info().rss / _MIB)
        await asyncio.sleep(0.02)
    return most


@contextmanager
def ingest(home: Home, base: Settings) -> Iterator[Server]:
    """A ready one on the broker of these settings."""
    (port,) = free_ports(1)
    settings = base.model_copy(update={"ingest_port": port})
    create_topics(settings)
    apply_workspaces(settings, read_workspace_files([FILE], ADAPTERS), datetime.now(UTC))
    with running(headrace("ingest", settings), home) as process:
        wait(lambda: ingest_is_ready(f"http://{LOOPBACK}:{port}"), START_SECONDS, process, home.log("ingest"), tick=0.2)
        yield Server(port, process.pid)


def main() -> None:
    """Every attack in turn, or those named, a line each."""
    with temporary_home() as home, broker(home) as base, ingest(home, base) as server:
        for name in sys.argv[1:] or ATTACKS:
            found = asyncio.run(attacked(name, server))
            sender = found.sender
            print(
                f"{name:20} sender p50 {sender.p50_ms:.1f} ms, p99 {sender.p99_ms:.1f} ms, {sender.statuses}; "
                f"ingest {found.rss_mib:.0f} MiB; strangers {found.strangers}",
                flush=True,
            )


if __name__ == "__main__":
    main()
