"""How fast the dedupe stage reads a backlog, against an empty agent on stock Faust and against Quix Streams."""

import random
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec

from bench.dedupe_headrace import AGENT
from bench.failure import BenchmarkFailed
from bench.measures import Values
from bench.place import broker, environment, module, running, temporary_home, wait
from bench.progress import Say
from bench.reply_topics import WEBHOOKS_GHL, WEBHOOKS_UNIPILE
from bench.stopwatch import Result, Task, argument, result
from bench.topics import Counter, opaque, webhooks, write
from headrace.events.topics import INBOX, Topic
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import PROJECT, Home

_PEERS_PYTHON = PROJECT / ".venv-bench" / "bin" / "python"
#: One program may take this long for its topic.
_PATIENCE = 600.0


class DedupeSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of a topic, and how often every program reads it."""

    distinct: int = 150_000
    #: On top: repeats of earlier ones, as a share.
    repeats: float = 0.1
    message_bytes: int = 400
    rounds: int = 3


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """A program that reads a topic to its end."""

    module: str
    source: Topic
    #: False for one that does nothing with what it reads.
    forwards: bool = True
    python: Path | None = None


CONTESTANTS = {
    "stock": Contestant(module="dedupe_stock", source=WEBHOOKS_GHL, forwards=False),
    "stage": Contestant(module="dedupe_headrace", source=WEBHOOKS_GHL),
    AGENT: Contestant(module="dedupe_headrace", source=WEBHOOKS_UNIPILE),
    "quix": Contestant(module="dedupe_quix", source=WEBHOOKS_GHL, python=_PEERS_PYTHON),
}


def measure_dedupe(sizes: DedupeSizes, say: Say) -> Values:
    """Every program reads the same kind of backlog by turns. Raises BenchmarkFailed."""
    if not _PEERS_PYTHON.exists():
        raise BenchmarkFailed("Quix Streams is not installed: `make bench` installs it into .venv-bench")
    results: dict[str, list[Result]] = {name: [] for name in CONTESTANTS}
    with temporary_home() as home, broker(home) as settings:
        create_topics(settings)
        messages = write(settings, WEBHOOKS_GHL, opaque(numbers(sizes), sizes.message_bytes))
        write(settings, WEBHOOKS_UNIPILE, webhooks("linkedin", numbers(sizes)))
        say(f"{messages:,} messages in each topic, {sizes.distinct:,} of them distinct")
        for number in range(sizes.rounds):
            for name, contestant in CONTESTANTS.items():
                found = _run(contestant, f"{name}-{number}", messages, sizes.distinct, home, settings)
                results[name].append(found)
                say(f"round {number + 1}/{sizes.rounds}: {name} {messages / found.seconds:,.0f}/s")
    return _values(results, messages)


def numbers(sizes: DedupeSizes) -> Iterator[int]:
    """The numbers of all messages in order: distinct ones, and now and then one from before. Always the same."""
    dice = random.Random(0)  # noqa: S311 - has to be the same each time, not unforeseeable
    for number in range(sizes.distinct):
        yield number
        if dice.random() < sizes.repeats:
            yield dice.randint(0, number)


def _run(contestant: Contestant, run: str, messages: int, distinct: int, home: Home, settings: Settings) -> Result:
    directory = home.root / run
    directory.mkdir()
    path = directory / "result.json"
    task = Task(
        bootstrap=settings.kafka_bootstrap,
        source=settings.topic(contestant.source),
        target=settings.topic(INBOX),
        messages=messages,
        run=run,
        directory=str(directory / "state"),
        result=str(path),
    )
    python = {} if contestant.python is None else {"python": str(contestant.python)}
    program = module(contestant.module, argument(task), variables=environment(settings), **python)
    counter = Counter(settings)
    before = counter.records(INBOX)
    with running(program, home) as process:
        wait(path.exists, _PATIENCE, process, home.log(program.name))
    # After it stopped: peers acknowledge what they forward later than they count it.
    forwarded = counter.records(INBOX) - before
    if contestant.forwards and forwarded != distinct:
        raise BenchmarkFailed(f"{run} forwarded {forwarded:,} of {distinct:,} messages: its speed means nothing")
    return result(path)


def _values(results: dict[str, list[Result]], messages: int) -> Values:
    speed = {name: messages / median(one.seconds for one in found) for name, found in results.items()}
    return {
        "dedupe.ratio_to_stock_empty_agent": speed["stage"] / speed["stock"],
        "dedupe.ratio_to_quix": speed["stage"] / speed["quix"],
        "dedupe.agent_ratio_to_stock_empty_agent": speed[AGENT] / speed["stock"],
        "dedupe.stage_per_s": speed["stage"],
        "dedupe.agent_per_s": speed[AGENT],
        "dedupe.stock_empty_agent_per_s": speed["stock"],
        "dedupe.quix_per_s": speed["quix"],
        **{
            f"dedupe.{name}_cpu_us_per_message": 1e6 * median(one.cpu_seconds for one in found) / messages
            for name, found in results.items()
        },
    }
