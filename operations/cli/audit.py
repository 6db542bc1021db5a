"""`headrace audit`: the conservation proof, as a table or JSON."""

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from headrace.stages import StageAge, late
from operations.audit.defaults import STUCK_SECONDS, WAIT_SECONDS
from operations.audit.findings import AuditReport, JobsAudit, LostEnd, Missing, StuckJob
from operations.cli.acting import print_json
from operations.cli.printing import console
from operations.cli.stage_lines import stage_lines

app = typer.Typer(add_completion=False)

_SENTENCES = {
    "complete": (
        "Complete: every accepted webhook has one verdict, every fresh one its rows, every message its jobs, and every "
        "job that succeeded its steps."
    ),
    "in flight": "Nothing is missing so far; some records are still under way. Run it again to have them proven.",
    "late": "Nothing is missing so far, but some of it is LATE: a worker hangs, is dead, or can't keep up.",
    "missing": "Something is MISSING. Each record below is still in the log: its place tells where to look.",
}
_LACKS = {
    "verdict": "no verdict",
    "one verdict": "more than one verdict",
    "message": "a message it produced has no row",
    "fact": "a suppression or signal it produced has no row",
    "original": "called a duplicate, but the first one has no verdict",
    "row": "an event without its row",
    "job": "no {job_type} job {job_id} for message {message_id}",
    "request": "job {job_id} ended, but its request has no row",
    "step": "job {job_id} of message {message_id} succeeded, but its step {step} is neither finished nor skipped",
}
#: Findings printed for people; JSON has them all.
_SHOWN = 20


@app.command()
def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Trust no earlier audit, and read the log itself.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0.0, help="Seconds to wait for the workers to catch up.")
    ] = WAIT_SECONDS,
    stuck_after: Annotated[
        float, typer.Option("--stuck-after", min=0.0, help="Seconds a job may be overdue before it is called stuck.")
    ] = STUCK_SECONDS,
) -> None:
    """Prove that nothing accepted was lost or doubled, and that every message has its jobs.

    Exit 0: nothing is missing, stuck or late. Exit 1: something is, and is named. Exit 2: Kafka or Postgres can't be
    asked. What waits for a person, such as dead letters and quarantine, is counted and is no reason for 1.
    """
    from headrace.settings import Settings
    from operations.audit.audit import audit as run_audit

    report = run_audit(Settings(), full=full, wait_seconds=wait, stuck_seconds=stuck_after)
    if as_json:
        print_json(report)
    else:
        _show(report)
    if not report.is_well:
        raise typer.Exit(1)


def _show(report: AuditReport) -> None:
    table = Table(title="Audit", title_justify="left")
    table.add_column("topic", no_wrap=True)
    for heading in ("in the log", "proven", "in flight", "newly set aside", "repeats", "missing"):
        table.add_column(heading, justify="right", overflow="fold")
    for topic in report.topics:
        counts = (topic.records, topic.proven, topic.in_flight, topic.dead_lettered, topic.repeats, topic.missing)
        table.add_row(topic.topic, *(f"{count:,}" for count in counts))
    console().print(table)
    typer.echo(_jobs(report.jobs))
    for lost in report.lost_ends:
        typer.echo(_lost_end(lost))
    typer.echo(_SENTENCES[_sentence(report)])
    _show_repeats(report)
    for missing in report.missing[:_SHOWN]:
        typer.echo(f"  {_place(missing)}: {_LACKS[missing.kind].format(**msgspec.structs.asdict(missing))}")
    if len(report.missing) > _SHOWN:
        typer.echo(f"  … and more: `headrace audit --json` lists the first {len(report.missing)}.")
    _show_stuck(report)
    for line in (*stage_lines(report.stages), *_waiting_for_people(report)):
        typer.echo(line)


def _sentence(report: AuditReport) -> str:
    return "late" if report.outcome != "missing" and late(report.stages) else report.outcome


def _waiting_for_people(report: AuditReport) -> list[str]:
    """What is accounted for, and yet not done: dead letters of every stage, dead jobs, quarantine."""
    letters = {age.stage.removeprefix("dead_letters:"): age.unfinished for age in report.stages if _is_letter(age)}
    by_stage = "; ".join(f"{count:,} of {stage}" for stage, count in letters.items())
    quarantined = sum(age.unfinished for age in report.stages if age.stage == "quarantine")
    total = sum(letters.values())
    return [
        f"Dead letters that nobody has settled: {total:,}{f' ({by_stage})' if by_stage else ''}. Dead jobs: "
        f"{report.jobs.dead:,}.{' `headrace dlq list` shows them.' if total or report.jobs.dead else ''}",
        f"In quarantine: {quarantined:,}.{' `headrace dlq list --quarantine` shows them.' if quarantined else ''}",
    ]


def _is_letter(age: StageAge) -> bool:
    return age.stage.startswith("dead_letters:")


def _show_repeats(report: AuditReport) -> None:
    if not report.repeats:
        return
    typer.echo(
        "Kafka has some webhooks twice, because its acknowledgement came too late. Each is one webhook, judged once; "
        "nothing is to be done:"
    )
    for repeat in report.repeats[:_SHOWN]:
        place = f"{repeat.topic}[{repeat.partition}] offset {repeat.offset}"
        typer.echo(f"  {place} repeats receipt {repeat.receipt_id}, judged at offset {repeat.judged_offset}")
    if len(report.repeats) > _SHOWN:
        typer.echo(f"  … and more: `headrace audit --json` lists the first {len(report.repeats)}.")


def _jobs(jobs: JobsAudit) -> str:
    return (
        f"Jobs: {jobs.open:,} open, {jobs.stuck:,} of them stuck; {jobs.in_flight:,} records in flight. Looked at "
        f"{jobs.messages:,} messages and {jobs.ended:,} ends of jobs that are new: {jobs.missing:,} missing, "
        f"{jobs.dead_lettered:,} newly set aside."
    )


def _show_stuck(report: AuditReport) -> None:
    if not report.stuck:
        return
    typer.echo(
        f"STUCK jobs: {report.jobs.stuck:,}. They are due, but nobody runs them. Is `headrace run jobs` running, and "
        "does it keep up? `headrace jobs show <id>` tells a job's story."
    )
    for job in report.stuck[:_SHOWN]:
        typer.echo(f"  {_stuck(job)}")
    if len(report.stuck) > _SHOWN:
        typer.echo(f"  … and more: `headrace audit --json` lists the first {len(report.stuck)}.")


def _lost_end(lost: LostEnd) -> str:
    return (
        f"CUT: {lost.topic}[{lost.partition}] had been proven up to offset {lost.proven_to}, but what it had from "
        f"{lost.lost_from} on is gone; it ends at {lost.end} now. What the log has was proven anew."
    )


def _stuck(job: StuckJob) -> str:
    return (
        f"{job.job_type} job {job.job_id} of message {job.message_id} in {job.workspace}: {job.state}, "
        f"{job.overdue_seconds:,} s overdue"
    )


def _place(missing: Missing) -> str:
    receipt = f" receipt {missing.receipt_id}" if missing.receipt_id else ""
    return f"{missing.topic}[{missing.partition}] offset {missing.offset}{receipt}"
