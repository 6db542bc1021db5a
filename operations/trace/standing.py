"""What of a story is not finished, at which stage it stands, and how much stands before it there."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from headrace.events.job_plan import POST_PROCESS, followers, job_id
from headrace.events.records import Record
from headrace.events.webhooks import quarantine_reason
from headrace.kafka.log_offsets import Place
from operations.trace.job_nodes import state_of
from operations.trace.lineage import Lineage, Position, Row, quarantine_letter
from operations.trace.node import place_text


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was to follow, and has not."""

    #: dedupe, resolve, request, jobs, project:<projection>, dead letter or quarantine.
    stage: str
    #: In words, with ids.
    what: str
    #: When it could have gone on.
    since: datetime | None = None
    #: Records that the stage has to read until it is past this one; None where no position tells.
    lag: int | None = None


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far everybody is, by partition: the next offset each will read."""

    #: Live projections, by partition of their topic.
    projected: Mapping[Place, int]
    #: Consumer groups: who judges webhooks, resolves facts, asks for jobs.
    judged: Mapping[Place, int]
    resolved: Mapping[Place, int]
    requested: Mapping[Place, int]


def unfinished(lineage: Lineage, reached: Reached) -> list[Unfinished]:
    """What is open, in the order of the stages. Empty: nothing is."""
    return [
        *_unjudged(lineage, reached),
        *_unresolved(lineage, reached),
        *_without_job(lineage, reached),
        *_open_jobs(lineage),
        *_unfollowed(lineage),
        *_set_aside(lineage),
        *_quarantined(lineage),
        *_unprojected(lineage, reached),
    ]


def _unjudged(lineage: Lineage, reached: Reached) -> list[Unfinished]:
    return [
        Unfinished(
            stage="dedupe",
            what=f"webhook {receipt} has no verdict yet{_put_aside(record)}",
            lag=_lag(reached.judged, (record.topic, record.partition, record.offset)),
        )
        for receipt, record in lineage.raw.items()
        if not lineage.of("webhook_receipts", receipt_id=receipt)
    ]


def _put_aside(record: Record) -> str:
    """That ingest itself put it into quarantine, and why."""
    reason = quarantine_reason(record.headers)
    return f"; ingest set it aside: {reason}" if reason else ""


def _unresolved(lineage: Lineage, reached: Reached) -> list[Unfinished]:
    """Messages that a verdict names and nobody has seen."""
    known = {row["message_id"] for row in lineage.of("messages")}
    open_ends = []
    for verdict in lineage.of("webhook_receipts", verdict="fresh"):
        missing = [message for message in verdict["message_ids"] if message not in known]
        facts = lineage.facts.get(verdict["receipt_id"], [])
        lags = [_lag(reached.resolved, (fact.topic, fact.partition, fact.offset)) for fact in facts]
        open_ends += [
            Unfinished(
                stage="resolve",
                what=f"message {message} of webhook {verdict['receipt_id']} has not been seen yet",
                since=verdict["received_at"],
                lag=max((lag for lag in lags if lag is not None), default=None),
            )
            for message in missing
        ]
    return open_ends


def _without_job(lineage: Lineage, reached: Reached) -> list[Unfinished]:
    open_ends = []
    for message in lineage.of("messages", direction="inbound", source="direct"):
        type_ = POST_PROCESS.get(message["provider"])
        wanted = None if type_ is None else job_id(message["message_id"], type_)
        if wanted is not None and not lineage.of("jobs", job_id=wanted):
            open_ends.append(
                Unfinished(
                    stage="request",
                    what=f"message {message['message_id']} has no {type_} job yet",
                    since=message["received_at"],
                    lag=_lag(reached.requested, message.position),
                )
            )
    return open_ends


def _open_jobs(lineage: Lineage) -> list[Unfinished]:
    open_ends = []
    for row in _newest(lineage):
        state = state_of(lineage, row)
        if state in ("succeeded", "cancelled"):
            continue
        of = {"job_id": row["job_id"], "generation": row["generation"]}
        last = next(iter(lineage.of("job_ends", **of) or lineage.of("job_progress", **of)), row)
        why = [str(last.values[name]) for name in ("step", "error_class", "reason") if last.values.get(name)]
        due = last.values.get("due_at") or row["due_at"]
        open_ends.append(
            Unfinished(
                stage="jobs",
                what=f"{row['type']} job {row['job_id']} is {state}" + (f" ({', '.join(why)})" if why else ""),
                since=last["ended_at"] if state == "died" else due,
            )
        )
    return open_ends


def _unfollowed(lineage: Lineage) -> list[Unfinished]:
    """Jobs that succeeded without the ones that follow by plan."""
    return [
        Unfinished(stage="jobs", what=f"job {row['job_id']} succeeded, but no {type_} job followed")
        for row in _newest(lineage)
        if state_of(lineage, row) == "succeeded"
        for type_ in followers(row["type"])
        if not lineage.of("jobs", job_id=job_id(row["message_id"], type_))
    ]


def _set_aside(lineage: Lineage) -> list[Unfinished]:
    """Dead letters, but for those of jobs that were asked for again since."""
    newest = {row["job_id"]: row["generation"] for row in _newest(lineage)}
    outlived = {row.position for row in lineage.of("jobs") if row["generation"] < newest[row["job_id"]]}
    letters = [
        Unfinished(
            stage="dead letter",
            what=f"{place_text(_origin(row))} was set aside by {row['stage']}: {row['reason']}",
            since=row["first_failed_at"],
        )
        for row in lineage.of("dead_letters")
        if _origin(row) not in outlived
    ]
    return letters + [
        Unfinished(
            stage=f"project:{refused['projection']}",
            what=f"{refused['topic']}[{refused['partition']}]@{refused['offset']} was set aside: {refused['reason']}",
            since=refused["record_at"],
        )
        for refused in lineage.refused
        if refused["state"] == "open"
    ]


def _quarantined(lineage: Lineage) -> list[Unfinished]:
    """Webhooks that nobody could assign, until somebody sent them on or discarded them."""
    return [
        Unfinished(
            stage="quarantine",
            what=f"webhook {verdict['receipt_id']} was set aside: {verdict['reason']}; "
            f"`headrace dlq show {quarantine_letter(verdict)}` tells what can be done",
            since=verdict["received_at"],
        )
        for verdict in lineage.of("webhook_receipts", verdict="quarantined")
        if lineage.quarantine.get(quarantine_letter(verdict), "failed") not in ("fixed", "discarded")
    ]


def _unprojected(lineage: Lineage, reached: Reached) -> list[Unfinished]:
    """One line a partition of records that are no rows yet, by the last of them."""
    last: dict[Place, int] = {}
    for rows in lineage.rows.values():
        for topic, partition, offset in (row.position for row in rows if row.origin == "log"):
            last[topic, partition] = max(last.get((topic, partition), 0), offset)
    return [
        Unfinished(
            stage="project",
            what=f"records up to {place_text((*place, offset))} are not in Postgres yet",
            lag=_lag(reached.projected, (*place, offset)),
        )
        for place, offset in sorted(last.items())
    ]


def _newest(lineage: Lineage) -> list[Row]:
    """The newest generation of each job."""
    newest: dict[str, Row] = {}
    for row in lineage.of("jobs"):
        known = newest.get(row["job_id"])
        if known is None or row["generation"] > known["generation"]:
            newest[row["job_id"]] = row
    return list(newest.values())


def _origin(row: Row) -> Position:
    return row["origin_topic"], row["origin_partition"], row["origin_offset"]


def _lag(next_offsets: Mapping[Place, int], position: Position) -> int | None:
    topic, partition, offset = position
    reached = next_offsets.get((topic, partition))
    return None if reached is None else max(0, offset + 1 - reached)
