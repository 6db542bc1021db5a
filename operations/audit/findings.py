"""What an audit reports: counts, what is missing by its place in the log, jobs that are stuck."""

from typing import Literal

import msgspec

from headrace.stages import StageAge, late

Kind = Literal["verdict", "one verdict", "message", "fact", "original", "row", "job", "request", "step"]
#: Findings listed in a report.
LISTED = 1000


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One broken promise, by the place of the record in the log."""

    #: verdict: the webhook has none. one verdict: it has several. message, fact: a fresh webhook lacks a row.
    #: original: a duplicate of nothing. row: an event in `messages` or `jobs` without its row.
    #: job: a message, or a job that succeeded, lacks the job that follows. request: a job ended that nobody asked for.
    #: step: a job succeeded, but a step of its type is neither finished nor skipped.
    kind: Kind
    topic: str
    partition: int
    offset: int
    receipt_id: str | None = None
    message_id: str | None = None
    #: The job that is missing, or that lacks something.
    job_id: str | None = None
    job_type: str | None = None
    step: str | None = None


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """A record of a webhook that stands in the log already: one webhook, judged once."""

    topic: str
    partition: int
    offset: int
    receipt_id: str
    #: Where in the partition it was judged.
    judged_offset: int


class LostEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A partition whose log no longer has what was proven: it was cut, or its topic was made anew."""

    topic: str
    partition: int
    #: The first offset that is gone, or holds another record now.
    lost_from: int
    #: Up to where earlier audits had proven it.
    proven_to: int
    #: Where the log ends now.
    end: int


class StuckJob(msgspec.Struct, frozen=True, kw_only=True):
    """An open job that should be running and is not."""

    workspace: str
    job_id: str
    job_type: str
    message_id: str
    #: waiting: due, but not begun. running: its attempt should have ended long ago.
    state: Literal["waiting", "running"]
    #: Seconds since it was due, or since its attempt's deadline.
    overdue_seconds: int


class TopicAudit(msgspec.Struct, kw_only=True):
    """One topic of `webhooks.*`, in records."""

    topic: str
    #: In the log now.
    records: int = 0
    #: One verdict each, and all rows that follow from it.
    proven: int = 0
    #: Not judged or not projected yet.
    in_flight: int = 0
    #: Set aside by a stage, found since the last audit; `analytics.dead_letters` has them all.
    dead_lettered: int = 0
    #: Records of a webhook that another record holds too, found since the last audit. Nothing is missing for them.
    repeats: int = 0
    missing: int = 0


class JobsAudit(msgspec.Struct, kw_only=True):
    """Messages and their jobs. `messages` and `ended` count what this audit looked at, not what earlier ones proved."""

    #: Messages that a person wrote to us.
    messages: int = 0
    #: Ends of jobs.
    ended: int = 0
    #: Jobs that have not ended: each is accounted for.
    open: int = 0
    #: Open jobs that should be running and are not.
    stuck: int = 0
    #: Records of `messages` and `jobs` that the jobs app or the projections have not reached yet.
    in_flight: int = 0
    #: Set aside by a stage instead of leading to a job, found since the last audit.
    dead_lettered: int = 0
    #: Jobs that died and that nobody has asked for again.
    dead: int = 0
    missing: int = 0


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome. `complete` says that nothing is missing and no record under way; jobs may be open, but not stuck.

    It says nothing of time: what is under way for too long is late, by `stages`.
    """

    outcome: Literal["complete", "in flight", "missing"]
    topics: tuple[TopicAudit, ...]
    #: The first of what is missing; `topics` and `jobs` have the counts.
    missing: tuple[Missing, ...]
    jobs: JobsAudit
    #: The longest overdue of them; `jobs` has the count.
    stuck: tuple[StuckJob, ...]
    #: The first of them; `topics` has the counts.
    repeats: tuple[Repeat, ...] = ()
    #: Only of a full audit, which trusts nothing that was proven before; any other refuses to go on.
    lost_ends: tuple[LostEnd, ...] = ()
    #: How old the unfinished work of each stage is; dead letters and quarantine, which wait for a person, are counted.
    stages: tuple[StageAge, ...] = ()

    @property
    def is_well(self) -> bool:
        """False when somebody should act: something is missing, stuck or late."""
        return self.outcome != "missing" and not self.stuck and not late(self.stages)
