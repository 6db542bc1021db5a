"""A job's story as a tree for people: its lives, their attempts, and in each the calls, the steps and their outcome."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.tree import Tree

from operations.cli.record_lines import fields_text, moment_text

if TYPE_CHECKING:
    from operations.jobs.job_list import JobStory


def story_tree(story: "JobStory") -> Tree:
    """The whole story, without anybody's text."""
    job = story.job
    tree = Tree(f"[bold]{job.type}[/bold] {job.job_id}: {job.state}")
    tree.add(f"workspace {job.workspace}, lead {job.lead_id}, message {job.message_id}")
    conclusions = {conclusion["step"]: conclusion for conclusion in story.conclusions}
    #: Only the newest conclusion of a step is known: it belongs to the last time the step was done.
    newest = {step["step"]: step for step in story.steps}
    for request in story.requests:
        generation = request["generation"]
        life = tree.add(
            f"asked for by {request['requested_by']} at {moment_text(request['requested_at'])} (life {generation})"
        )
        steps = _having(story.steps, "generation", generation)
        for attempt in _having(story.attempts, "generation", generation):
            branch = _add_attempt(life, attempt)
            _add_calls(branch, (call for call in story.ai_calls if _attempt_of(call, story.attempts) is attempt))
            for step in _having(steps, "attempt", attempt["attempt"]):
                _add_step(branch, step, conclusions.get(step["step"]) if newest[step["step"]] is step else None)
            _add_failure(branch, attempt)
        # Decided again by the engine, without an attempt.
        for step in _having(steps, "attempt", 0):
            _add_step(life, step, conclusions.get(step["step"]))
        for hold in _having(story.holds, "generation", generation):
            done = "held back" if hold["is_paused"] else "let go on"
            life.add(f"{done} by {hold['changed_by']} at {moment_text(hold['changed_at'])}")
    _add_standing(tree, story)
    return tree


def cost_text(calls: Iterable[dict[str, Any]]) -> str:
    """What calls cost, in US dollars; calls whose cost nobody knows are counted apart."""
    costs = [call["cost_micro_usd"] for call in calls]
    unknown = sum(cost is None for cost in costs)
    known = f"{sum(cost for cost in costs if cost is not None) / 1_000_000:.6f} $"
    return f"{known}, and {unknown} whose cost is unknown" if unknown else known


def _having(rows: Iterable[dict[str, Any]], column: str, value: int) -> list[dict[str, Any]]:
    return [row for row in rows if row[column] == value]


def _attempt_of(call: dict[str, Any], attempts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The attempt a call was made in: numbers begin anew in each life, so the one that had begun by then."""
    same_number = _having(attempts, "attempt", call["attempt"])
    begun = [attempt for attempt in same_number if attempt["started_at"] <= call["called_at"]]
    return max(begun, key=lambda attempt: attempt["started_at"], default=None)


def _add_attempt(life: Tree, attempt: dict[str, Any]) -> Tree:
    took = "" if attempt["duration_ms"] is None else f", {attempt['duration_ms']:,} ms"
    return life.add(f"attempt {attempt['attempt']} at {moment_text(attempt['started_at'])}: {attempt['outcome']}{took}")


def _add_calls(branch: Tree, calls: Iterable[dict[str, Any]]) -> None:
    for call in calls:
        ended = call["status"] if call["error"] is None else f"{call['status']}, {call['error']}"
        tokens = f"{call['input_tokens']:,} + {call['output_tokens']:,} tokens"
        line = f"{call['step']} asked {call['provider']} {call['model']} for {call['feature']}: {ended}"
        branch.add(f"{escape(line)}, {call['latency_ms']:,} ms, {tokens}, {cost_text([call])}")


def _add_step(branch: Tree, step: dict[str, Any], conclusion: dict[str, Any] | None) -> None:
    skipped = step["skipped"] and f": skipped, {step['skipped']}"
    ends = step["ends_job"] and f": ends the job, {step['ends_job']}"
    line = branch.add(f"{step['step']} done at {moment_text(step['finished_at'])}{skipped or ends}")
    if conclusion is not None and not step["skipped"]:
        line.add(escape(f"{conclusion['event_type']}  {fields_text(conclusion['details'])}"))


def _add_failure(branch: Tree, attempt: dict[str, Any]) -> None:
    if attempt["reason"]:
        where = attempt["step"] or "before its first step"
        branch.add(f"[red]{where}: {attempt['error_class']}, {escape(attempt['reason'])}[/red]")


def _add_standing(tree: Tree, story: "JobStory") -> None:
    job = story.job
    if job.state == "waiting" and job.due_at is not None:
        tree.add(f"due at {moment_text(job.due_at)}" + (f" after: {escape(job.reason)}" if job.reason else ""))
    if job.ended_at is not None:
        tree.add(f"{job.state} at {moment_text(job.ended_at)}" + (f": {escape(job.reason)}" if job.reason else ""))
    if story.ai_calls:
        tree.add(f"{len(story.ai_calls)} call(s) to models: {cost_text(story.ai_calls)}")
    if story.receipt is not None:
        receipt = story.receipt
        place = f"{receipt['source_topic']}[{receipt['source_partition']}] offset {receipt['source_offset']}"
        event = f"{receipt['provider']} {receipt['provider_event']}"
        tree.add(
            escape(
                f"webhook {receipt['receipt_id']}: {event}, received at {moment_text(receipt['received_at'])}, {place}"
            )
        )
