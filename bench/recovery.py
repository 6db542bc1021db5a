"""How long a jobs worker reads its tables back from their changelogs: all of them, and those of half of the partitions.

`python -m bench.recovery LEADS` measures with any number of leads; a million take about 2.5 GB of disk.
"""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import psutil
from rich.console import Console

from bench.jobs_log import make_workspaces, message, workspace
from bench.jobs_worker import running_worker
from bench.measures import Values
from bench.place import broker, temporary_home
from bench.progress import Say
from bench.topics import Filling, write
from headrace.events.ids import derived_id
from headrace.events.inbox import Identity, Person
from headrace.events.messages import LeadChanged
from headrace.events.topics import Topic
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from streams.jobs.conversation import Head, capped, with_message

_MESSAGES_EACH = 2
_TEXT = (
    "Thanks for getting in touch. Could you send me the prices for twelve seats, and say how long the set-up takes? "
)
#: A second for so many records, and some for the start.
_SLOWEST = 3_000
_START_SECONDS = 60.0
_CHANGELOG = Topic(
    name="jobs-conversations-changelog",
    key="lead id",
    carries="the table `conversations`",
    writer="jobs",
    readers=("jobs",),
    compacted=True,
)


class RecoverySizes(msgspec.Struct, frozen=True, kw_only=True):
    """Leads, each with its head and two messages."""

    leads: int = 1_000_000

    @property
    def records(self) -> int:
        """Of the changelog."""
        return self.leads * (1 + _MESSAGES_EACH)


def measure_recovery(sizes: RecoverySizes, say: Say) -> Values:
    """Fill the changelog, then start without tables, with them, and beside another worker. Raises BenchmarkFailed."""
    with temporary_home() as home, broker(home) as settings:
        create_topics(settings)
        make_workspaces(settings, 1)
        with running_worker(home, settings, "nothing"):
            say("the changelogs exist")
        shutil.rmtree(settings.data_dir)
        write(settings, _CHANGELOG, _conversations(settings, sizes.leads))
        say(f"{sizes.leads:,} leads, {sizes.records:,} records")
        patience = _START_SECONDS + sizes.records / _SLOWEST
        with running_worker(home, settings, "nothing", patience=patience) as empty:
            mib, cpu = empty.peak_mib, sum(psutil.Process(empty.process.pid).cpu_times()[:2])
            say(f"without its tables: ready after {empty.ready_s:.1f} s, {mib:,.0f} MiB, {cpu:.1f} s of CPU time")
            empty.process.kill()
            empty.process.wait()
        with running_worker(home, settings, "nothing", patience=patience) as again:
            say(f"with them, after kill -9: ready after {again.ready_s:.1f} s")
            other = {"HEADRACE_INSTANCE_ID": "1"}
            with running_worker(home, settings, "nothing", variables=other, patience=patience) as second:
                say(f"a second worker has read its half after {second.ready_s:.1f} s")
    return {
        "recovery.leads": sizes.leads,
        "recovery.records": sizes.records,
        "recovery.empty_s": empty.ready_s,
        "recovery.empty_peak_mib": mib,
        "recovery.empty_cpu_s": cpu,
        "recovery.records_per_s": sizes.records / (empty.ready_s - again.ready_s),
        "recovery.restart_s": again.ready_s,
        "recovery.rescale_s": second.ready_s,
    }


def _conversations(settings: Settings, leads: int) -> Iterator[Filling]:
    """What the request agent would have remembered of so many leads."""
    head, messages = _templates()
    for number in range(leads):
        name = b"%036d" % number
        partition = number % settings.partitions
        yield Filling(b"h\x1f" + name, head.replace(b"{" * 36, name), [], partition)
        for index, template in enumerate(messages):
            message_id = b"%034d-%d" % (number, index)
            yield Filling(b"m\x1f" + name + b"\x1f" + message_id, template.replace(b"{" * 36, name), [], partition)


def _templates() -> tuple[bytes, list[bytes]]:
    """A head and its messages as stored, with a mark where a lead's id stands."""
    now = datetime.now(UTC)
    mark = "{" * 36
    changed = LeadChanged(
        receipt_id=derived_id("receipt", "0"),
        workspace=workspace(0),
        lead_id=mark,
        created_at=now,
        changed_at=now,
        identities=(
            Identity(kind="email", value=f"{mark}@example.com"),
            Identity(kind="phone", value="+4915112345678"),
        ),
        person=Person(first_name="Kim", last_name="Example"),
        email=f"{mark}@example.com",
        phone="+4915112345678",
    )
    head = Head(lead=changed)
    messages = [
        msgspec.structs.replace(message(number, workspace(0)), lead_id=mark, text=_TEXT * 3, body=_TEXT * 5)
        for number in range(_MESSAGES_EACH)
    ]
    for one in messages:
        head, _ = with_message(head, one)
    return msgspec.json.encode(head), [msgspec.json.encode(capped(one)) for one in messages]


def main() -> None:
    """Measure with as many leads as the argument says, and print what was found."""
    console = Console()
    values = measure_recovery(RecoverySizes(leads=int(sys.argv[1])), console.print)
    console.print(dict(values))


if __name__ == "__main__":
    main()
