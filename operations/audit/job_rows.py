"""What an audit asks about jobs: messages without one, ends that lack something, what is open.

Ranges are offsets of the events behind the rows, so that an audit looks only at what is new. What was open is
remembered by name: the ends of old jobs come late.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from headrace.events.job_plan import FOLLOWED, POST_PROCESS, STEPS, job_id
from headrace.kafka.log_offsets import LogRange, Place
from operations.audit.findings import StuckJob
from operations.audit.proofs import Proofs, ProvenJobs
from operations.audit.read_model import ReadModel

#: Workspace, job, generation, and how it ended; None asks for the request.
JobRowKey = tuple[str, str, int, str | None]
JobLack = Literal["job", "request", "step"]


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or the end of a job, that lacks something."""

    #: Of the message's event, or of the event that ended the job.
    offset: int
    receipt_id: str
    message_id: str
    #: The job that is missing (job), or that lacks its request or step.
    job_id: str
    job_type: str
    lack: JobLack
    step: str | None = None


class JobRows:
    """Asks the read model."""

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model
        self.proofs = Proofs(read_model.connection, read_model.version, "audit_job_positions", ProvenJobs)

    def messages(self, place: Place, log_range: LogRange) -> int:
        """How many messages of the range have jobs by rights: those that a person wrote to us."""
        return self._read_model.count("messages_with_jobs", place, log_range)

    def without_job(self, place: Place, log_range: LogRange) -> list[Lacking]:
        """Messages of the range that lack their post-process job, in order."""
        rows = self._read_model.ask_range(
            "without_job", place, log_range, providers=list(POST_PROCESS), job_types=list(POST_PROCESS.values())
        )
        return [
            Lacking(
                offset=offset,
                receipt_id=str(receipt),
                message_id=str(message),
                job_id=job_id(str(message), type_),
                job_type=type_,
                lack="job",
            )
            for offset, receipt, message, type_ in rows
        ]

    def ends(self, place: Place, log_range: LogRange) -> int:
        """How many jobs ended in the range."""
        return self._read_model.count("job_ends", place, log_range)

    def lacking_ends(self, place: Place, log_range: LogRange) -> list[Lacking]:
        """Ends of the range without request, steps or follower, in order."""
        pairs = [(type_, step) for type_, steps in STEPS.items() for step in steps]
        rows = self._read_model.ask_range(
            "lacking_ends",
            place,
            log_range,
            types=[type_ for type_, _ in pairs],
            steps=[step for _, step in pairs],
            followed=[earlier for earlier, _ in FOLLOWED],
            followers=[later for _, later in FOLLOWED],
        )
        return [_lacking_end(*row) for row in rows]

    def unwritten(self, keys: Mapping[int, JobRowKey]) -> list[int]:
        """Offsets of requests and ends, given with what their rows are known by, that have no row."""
        workspaces, jobs, generations, outcomes = ([key[part] for key in keys.values()] for part in range(4))
        return self._read_model.offsets(
            "unwritten_jobs",
            offsets=list(keys),
            workspaces=workspaces,
            jobs=jobs,
            generations=generations,
            outcomes=outcomes,
        )

    def refused_by_request(self, receipt_ids: Iterable[str]) -> set[str]:
        """Those of the receipts whose message the request agent set aside."""
        return self._read_model.receipts("refused_by_request", receipt_ids)

    def refused_by_projection(self) -> set[str]:
        """Receipts of job events that the projection could not write."""
        return self._read_model.refused_receipts("jobs")

    def forget_open(self) -> None:
        """Look at every request again."""
        self._read_model.connection.execute(
            "DELETE FROM ctl.audit_open_jobs WHERE version = %s", [self._read_model.version]
        )

    def note_open(self, place: Place, log_range: LogRange) -> None:
        """Add those jobs requested in the range that did not end."""
        topic, partition = place
        self._read_model.ask("note_open", topic=topic, partition=partition, start=log_range.start, end=log_range.end)

    def drop_ended(self) -> None:
        """Take out what has ended, or has a new life."""
        self._read_model.ask("drop_ended")

    def open(self) -> int:
        """How many jobs are open."""
        rows = self._read_model.connection.execute(
            "SELECT count(*) FROM ctl.audit_open_jobs WHERE version = %s", [self._read_model.version]
        ).fetchall()
        return int(rows[0][0])

    def dead(self) -> int:
        """How many jobs died, and nobody has asked for again."""
        return int(self._read_model.ask("dead_jobs").fetchall()[0][0])

    def stuck(
        self, topic: str, partitions: Sequence[int], after_seconds: float, attempt_seconds: float
    ) -> tuple[int, list[StuckJob]]:
        """Open jobs of these partitions that are overdue for longer than so long: how many, and the longest first.

        An attempt may take `attempt_seconds`; whoever runs it longer is not running it any more.
        """
        rows = self._read_model.ask(
            "stuck", topic=topic, partitions=list(partitions), after=after_seconds, attempt=attempt_seconds
        ).fetchall()
        jobs = [
            StuckJob(
                workspace=workspace,
                job_id=str(id_),
                job_type=type_,
                message_id=str(message),
                state="running" if is_running else "waiting",
                overdue_seconds=int(overdue),
            )
            for _, workspace, id_, type_, message, is_running, overdue in rows
        ]
        return (rows[0][0] if rows else 0), jobs


def _lacking_end(
    offset: int, id_: object, receipt: object, message: object, type_: str | None, lack: JobLack, named: str | None
) -> Lacking:
    """A row of what is lacking; `named` is the missing step, or the type of the missing job."""
    follower = named if lack == "job" else None
    return Lacking(
        offset=offset,
        receipt_id="" if receipt is None else str(receipt),
        message_id="" if message is None else str(message),
        job_id=job_id(str(message), follower) if follower else str(id_),
        job_type=follower or type_ or "",
        lack=lack,
        step=None if follower else named,
    )
