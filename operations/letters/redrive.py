"""Carries a redrive out under a run: sends at its pace, notes where each record stands, tells what became of it.

One after the other: whoever redrives or discards holds the lock of all dead letters.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import psycopg

from headrace.events.records import Record
from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.errors import KafkaError
from headrace.kafka.faust.outbox import Outbox
from headrace.kafka.log_records import in_pieces
from headrace.settings import Settings
from operations.letters.letter import FITTING, Letter, LetterFilter, filter_of, filter_scope
from operations.letters.letter_list import find_letters
from operations.letters.outcomes import Outcome, awaited
from operations.letters.pace import Pace
from operations.letters.plan import RedrivePlan, Work, planned, works
from operations.letters.remedy import InVain, Reproject, Resend
from operations.letters.reproject import reproject
from operations.letters.sent_records import SentRecord, note_of, noted_since, sent_record, sent_since
from operations.runs.progress_lines import ProgressLines, Say
from operations.runs.runs import ActiveRun, Run, RunRefused, find_runs
from projections.connection import Connection, connector, libpq_url
from projections.registry import ALL_PROJECTIONS
from projections.versions import live_versions

VERB = "dlq redrive"
#: Two operators must not send the same letter at once.
SUBJECTS = ("dlq:dead letters",)
_RUNS = 10_000
_T = TypeVar("_T")


class RedriveReport(msgspec.Struct, kw_only=True):
    """What a run did, also before it was cut off, and what came of it."""

    sent: list[SentRecord] = []
    reprojected: int = 0
    in_vain: int = 0
    outcomes: list[Outcome] = []

    def counts(self) -> dict[str, int]:
        """As the ledger keeps it."""
        states = [one.state for one in self.outcomes]
        return {
            "sent": len(self.sent),
            "reprojected": self.reprojected,
            "in_vain": self.in_vain,
            "fixed": states.count("fixed"),
            "failed_again": states.count("failed again"),
            "under_way": states.count("redriven"),
        }


def redrive_scope(wanted: LetterFilter, rate: float, wait_seconds: float) -> dict[str, Any]:
    """What a run is told."""
    return {"filter": filter_scope(wanted), "rate": rate, "wait": wait_seconds}


def refuse_unfinished(settings: Settings) -> None:
    """Raises RunRefused while an earlier redrive is neither resumed nor cancelled: what it sent may not be noted."""
    for state in ("interrupted", "failed"):
        for run in find_runs(settings.database_url, state=state, limit=_RUNS):
            if run.verb == VERB:
                raise RunRefused(
                    f"{run.told()} is {run.state}, and may have sent letters nobody has noted yet. Go on with it: "
                    f"`headrace runs resume {run.run_id} --execute`, or end it: `headrace runs cancel {run.run_id} "
                    "--execute`. Then redrive what is left."
                )


def fitting_letters(settings: Settings, wanted: LetterFilter) -> list[Letter]:
    """The letters of a filter that a redrive is about: without names and states, those somebody has to act on."""
    states = wanted.states or (None if wanted.ids else FITTING)
    return find_letters(settings, msgspec.structs.replace(wanted, states=states))


def plan_redrive(settings: Settings, letters: list[Letter], rate: float, by: str, now: datetime) -> RedrivePlan:
    """What it would do. Raises KafkaUnreachable, psycopg.Error."""
    return planned(works(settings, letters, by, now), rate)


def run_redrive(settings: Settings, run: ActiveRun, letters: list[Letter], say: Say) -> RedriveReport:
    """Send the letters and wait for what becomes of them. Raises KafkaUnreachable, RunCancelled, psycopg.Error."""
    return _kafka_plainly(settings, _Redriving(settings, run, say).carry_out(letters))


def resume_run(settings: Settings, run: ActiveRun, say: Say) -> None:
    """Note what was sent before, and send the rest. Raises as `run_redrive`."""
    told = run.run
    sent = _noted_by_now(settings, told)
    places = {one.place for one in sent}
    ids = {one.letter_id for one in sent}
    wanted = filter_of(told.scope["filter"])
    until = min(filter(None, (wanted.until, told.started_at)))
    letters = [
        one
        for one in fitting_letters(settings, msgspec.structs.replace(wanted, until=until))
        # A job that died again has another letter: the request that was sent.
        if one.id not in ids and _origin(one) not in places and one.run_id != str(told.run_id)
    ]
    say(f"{len(ids):,} letters were sent before; {len(letters):,} are left.")
    redriving = _Redriving(settings, run, say, sent)
    report = _kafka_plainly(settings, redriving.carry_out(letters))
    for one in report.outcomes:
        say(one.told())


def abandon_run(settings: Settings, run: Run) -> None:
    """Note what was sent, so that the letters stand as they are. Raises KafkaUnreachable."""
    _noted_by_now(settings, run)


def _origin(letter: Letter) -> tuple[str, int, int]:
    return letter.origin_topic, letter.origin_partition, letter.origin_offset


def _noted_by_now(settings: Settings, run: Run) -> list[SentRecord]:
    """All that the run has sent, noted without exception from now on."""
    run_id = str(run.run_id)
    sent, unnoted = sent_since(settings, run.started_at)
    at = datetime.now(UTC)

    async def note() -> None:
        outbox = Outbox(settings)
        await outbox.start()
        try:
            await outbox.send(note_of(settings, one, run_id, run.started_by, at) for one in unnoted)
        finally:
            await outbox.stop()

    if unnoted:
        _kafka_plainly(settings, note())
    noted = noted_since(settings, run.started_at, run_id)
    return [one for one in sent if one.place in noted]


def _kafka_plainly(settings: Settings, work: Coroutine[Any, Any, _T]) -> _T:
    try:
        return asyncio.run(work)
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(settings, type(error).__name__) from error


class _Redriving:
    """One run at work."""

    def __init__(self, settings: Settings, run: ActiveRun, say: Say, sent: Iterable[SentRecord] = ()) -> None:
        self._settings = settings
        self._run = run
        self._say = say
        self._pace = Pace(run.run.scope["rate"])
        self._report = RedriveReport(sent=list(sent))
        self._outbox = Outbox(settings)
        self._database: Connection | None = None
        self._versions = _live(settings.database_url)

    async def carry_out(self, letters: list[Letter]) -> RedriveReport:
        """Send at the run's pace, then wait for outcomes as long as the run is to."""
        await self._outbox.start()
        try:
            await self._send(letters)
        finally:
            await self._outbox.stop()
            if self._database is not None:
                await self._database.close()
        self._report.outcomes += awaited(
            self._settings,
            self._report.sent,
            self._run.run.scope["wait"],
            lambda under_way: self._run.progress("waiting", under_way=under_way),
        )
        self._run.finish(**self._report.counts())
        return self._report

    async def _send(self, letters: list[Letter]) -> None:
        started, done = time.monotonic(), 0
        lines = ProgressLines("redrive", len(letters), self._say)
        for piece in works(self._settings, letters, self._run.run.started_by, datetime.now(UTC)):
            self._report.in_vain += sum(isinstance(remedy, InVain) for _, remedy in piece)
            useful = [one for one in piece if not isinstance(one[1], InVain)]
            for batch in in_pieces(useful, self._pace.batch):
                self._run.progress("sending", sent=len(self._report.sent), reprojected=self._report.reprojected)
                await self._send_batch(batch)
                done += len(batch)
                lines.done(done)
                await asyncio.sleep(self._pace.delay(done, time.monotonic() - started))

    async def _send_batch(self, batch: list[Work]) -> None:
        resent = [remedy for _, remedy in batch if isinstance(remedy, Resend)]
        offsets = await self._outbox.send_each(remedy.record for remedy in resent)
        sent = [_sent(remedy, offset) for remedy, offset in zip(resent, offsets, strict=True)]
        await self._note(sent)
        self._report.sent += sent
        for letter, remedy in batch:
            if isinstance(remedy, Reproject):
                await self._reproject(letter, remedy.projection)

    async def _note(self, sent: Iterable[SentRecord]) -> None:
        """Only now: what is noted stands in the log."""
        told, at = self._run.run, datetime.now(UTC)
        await self._outbox.send(note_of(self._settings, one, str(told.run_id), told.started_by, at) for one in sent)

    async def _reproject(self, letter: Letter, name: str) -> None:
        if self._database is None:
            self._database = await connector(self._settings.database_url, "headrace-dlq")()
        projection = next(one for one in ALL_PROJECTIONS if one.name == name)
        told = self._run.run
        version, place = self._versions[name], _origin(letter)
        bad = await reproject(self._database, projection, version, place, told.run_id, told.started_by)
        self._report.reprojected += 1
        self._report.outcomes.append(
            Outcome(
                id=letter.id,
                state="fixed" if bad is None else "failed again",
                error_class="" if bad is None else bad.error_class,
                reason="" if bad is None else bad.reason,
            )
        )


def _live(database_url: str) -> dict[str, int]:
    with psycopg.connect(libpq_url(database_url), connect_timeout=5) as connection:
        return live_versions(connection)


def _sent(remedy: Resend, offset: int) -> SentRecord:
    out = remedy.record
    record = Record(out.topic, out.partition, offset, out.key, out.value, out.headers, 0)
    return sent_record(remedy.redrive, record, remedy.request)
