"""What became of letters that were sent again: waits for the workers and the projections, and tells each."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from headrace.settings import Settings
from operations.jobs.job_list import JobFilter, find_jobs
from operations.letters.letter import FITTING, LetterFilter, State
from operations.letters.letter_list import find_letters, settled_since
from operations.letters.sent_records import SentRecord

_PAUSE = 0.3
_ENDED: dict[str, State] = {"succeeded": "fixed", "died": "failed again", "cancelled": "discarded"}
_SETTLED: tuple[State, ...] = ("fixed", "failed again", "discarded")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one letter."""

    id: str
    #: redriven: nobody knows yet.
    state: State
    error_class: str = ""
    reason: str = ""
    #: Letters of the same webhook that were set aside further on.
    further_on: tuple[str, ...] = ()

    def told(self) -> str:
        """In one line."""
        state = "still under way" if self.state == "redriven" else self.state
        why = f": {self.error_class}, {self.reason}" if self.state == "failed again" else ""
        further = f"; set aside further on: {', '.join(self.further_on)}" if self.further_on else ""
        return f"{self.id} {state}{why}{further}"


def awaited(
    settings: Settings, sent: Sequence[SentRecord], wait_seconds: float, waiting: Callable[[int], None]
) -> list[Outcome]:
    """The outcome of each, once all are known or the time is over. `waiting` is told how many are under way."""
    newest = {one.letter_id: one for one in sorted(sent, key=lambda one: one.generation)}
    deadline = time.monotonic() + wait_seconds
    known: dict[str, Outcome] = {}
    while True:
        left = [one for one in newest.values() if one.letter_id not in known]
        outcomes_so_far = _outcomes(settings, left)
        known |= {one.id: one for one in outcomes_so_far if one.state in _SETTLED}
        if len(known) == len(newest) or time.monotonic() >= deadline:
            break
        waiting(len(newest) - len(known))
        time.sleep(_PAUSE)
    outcomes = [known.get(id_, Outcome(id=id_, state="redriven")) for id_ in newest]
    return _with_what_follows(settings, newest, outcomes)


def _outcomes(settings: Settings, sent: Sequence[SentRecord]) -> list[Outcome]:
    jobs = [record for record in sent if record.job_id is not None]
    others = [record for record in sent if record.job_id is None]
    return [*_of_jobs(settings, jobs), *_of_letters(settings, others)]


def _of_letters(settings: Settings, sent: Sequence[SentRecord]) -> list[Outcome]:
    letters = settled_since(settings, [record.letter_id for record in sent])
    return [
        Outcome(id=letter.id, state=letter.state, error_class=letter.error_class, reason=letter.reason)
        for record in sent
        # The rows may not have come as far as the sending yet.
        if (letter := letters.get(record.letter_id)) is not None and letter.generation >= record.generation
    ]


def _of_jobs(settings: Settings, sent: Sequence[SentRecord]) -> list[Outcome]:
    """A job's outcome is how its life ended that was asked for; a letter of it says so only when it died again."""
    if not sent:
        return []
    wanted = JobFilter(job_ids=tuple(str(record.job_id) for record in sent))
    jobs = {job.job_id: job for job in find_jobs(settings.database_url, wanted, datetime.now(UTC))}
    return [
        Outcome(
            id=record.letter_id,
            state=_ENDED.get(job.state, "redriven"),
            error_class=job.error_class or "",
            reason=job.reason or "",
        )
        for record in sent
        if (job := jobs.get(str(record.job_id))) is not None and job.generation >= record.job_generation
    ]


def _with_what_follows(settings: Settings, sent: dict[str, SentRecord], outcomes: list[Outcome]) -> list[Outcome]:
    """What was fixed where it had failed may have failed further on: that is a letter of its own."""
    receipts = {sent[outcome.id].receipt_id: outcome.id for outcome in outcomes if outcome.state == "fixed"}
    receipts.pop("", None)
    if not receipts:
        return outcomes
    further: dict[str, list[str]] = {}
    for letter in find_letters(settings, LetterFilter(states=FITTING)):
        if letter.receipt_id in receipts and letter.id not in sent:
            further.setdefault(receipts[letter.receipt_id], []).append(letter.id)
    return [msgspec.structs.replace(outcome, further_on=tuple(further.get(outcome.id, ()))) for outcome in outcomes]
