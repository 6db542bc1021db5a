"""What a split of a lead would give to whom: identities, messages, drafts, and who stays suppressed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from headrace.events.ids import lead_id
from headrace.events.inbox import SPLIT_MESSAGES, Identity
from headrace.refusal import Refusal
from headrace.settings import Settings
from projections.connection import libpq_url
from streams.pipeline.resolve import is_hint
from streams.pipeline.split import split_lead_id


class SplitRefused(Refusal):
    """The lead can't be split so; the message says why and what to do."""


class SplitMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message, without its text."""

    message_id: str
    sent_at: datetime
    channel: str
    direction: str
    #: Of the draft that answers it: open, cancelled, superseded, rejected; None without one.
    draft_state: str | None


class SplitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets what."""

    workspace: str
    lead_id: str
    #: The lead that the identities get.
    new_lead_id: str
    going: tuple[Identity, ...]
    staying: tuple[Identity, ...]
    messages: tuple[SplitMessage, ...]
    messages_staying: int
    #: Of the lead as it is: both are suppressed afterwards.
    suppression_reason: str | None
    suppressed_at: datetime | None
    #: Of messages that go: they would be worked on as the old lead's.
    open_jobs: tuple[str, ...]


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the lead with what tells whose it is."""

    message: SplitMessage
    original_lead_id: str
    #: The lead's side of it.
    addresses: frozenset[str]


def plan_split(settings: Settings, lead: UUID, named: Sequence[str], message_ids: Sequence[UUID]) -> SplitPlan:
    """What would be done. Raises SplitRefused and psycopg.Error."""
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
        workspace, lead_id_, reason, suppressed_at = _lead(connection, lead)
        identities = [
            Identity(kind=kind, value=value, alias=is_alias)
            for kind, value, is_alias in connection.execute(_IDENTITIES, [workspace, lead_id_])
        ]
        going, staying = _part(identities, named)
        rows = [_row(row) for row in connection.execute(_MESSAGES, [workspace, lead_id_])]
        chosen = _choose_messages(workspace, going, staying, rows, {str(id_) for id_ in message_ids})
        jobs = connection.execute(_OPEN_JOBS, [workspace, [one.message_id for one in chosen]]).fetchall()
    return SplitPlan(
        workspace=workspace,
        lead_id=lead_id_,
        new_lead_id=split_lead_id(workspace, lead_id_, going),
        going=going,
        staying=staying,
        messages=chosen,
        messages_staying=len(rows) - len(chosen),
        suppression_reason=reason,
        suppressed_at=suppressed_at,
        open_jobs=tuple(str(job_id) for (job_id,) in jobs),
    )


def _lead(connection: psycopg.Connection[Any], lead: UUID) -> tuple[str, str, str | None, datetime | None]:
    found = connection.execute(_LEAD, [lead, lead]).fetchone()
    if found is None:
        raise SplitRefused(
            f"There is no lead {lead}. Look people up in analytics.lead_identities; `headrace proj status` tells "
            "whether rows are behind."
        )
    workspace, id_, reason, suppressed_at = found
    return workspace, str(id_), reason, suppressed_at


def _part(identities: Sequence[Identity], named: Sequence[str]) -> tuple[tuple[Identity, ...], tuple[Identity, ...]]:
    """The identities that go and those that stay."""
    by_name = {f"{one.kind}:{one.value}": one for one in identities}
    unknown = [name for name in named if name not in by_name]
    if unknown:
        raise SplitRefused(f"The lead has no {', '.join(unknown)}. It has {', '.join(by_name) or 'no identities'}.")
    going = tuple(one for name, one in by_name.items() if name in named)
    staying = tuple(one for name, one in by_name.items() if name not in named)
    for side, which in ((going, "go"), (staying, "stay")):
        if all(is_hint(one) for one in side):
            raise SplitRefused(
                f"Of those that {which} none is a person's own: phone numbers and aliases are shared, and make nobody "
                "one person. Name the e-mail address, profile or provider id that was merged wrongly."
            )
    return going, staying


def _choose_messages(
    workspace: str,
    going: Sequence[Identity],
    staying: Sequence[Identity],
    rows: Sequence[_Row],
    named: set[str],
) -> tuple[SplitMessage, ...]:
    missing = named - {row.message.message_id for row in rows}
    if missing:
        raise SplitRefused(f"The lead has no message {', '.join(sorted(missing))}.")
    theirs = {one.value for one in going if one.kind == "email"}
    kept = {one.value for one in staying if one.kind == "email"}
    # A lead that began with one of the identities, before it was merged, had these messages alone.
    began = {lead_id(workspace, one.kind, one.value) for one in going}
    chosen = tuple(
        row.message
        for row in rows
        if row.message.message_id in named
        or row.addresses & theirs
        or (row.original_lead_id in began and not row.addresses & kept)
    )
    if len(chosen) > SPLIT_MESSAGES:
        raise SplitRefused(f"{len(chosen):,} messages would go; one split can give away {SPLIT_MESSAGES:,}.")
    return chosen


def _row(row: tuple[Any, ...]) -> _Row:
    id_, original, sent_at, channel, direction, from_email, written_to, draft_state = row
    to = {one["address"] for one in written_to or ()}
    return _Row(
        message=SplitMessage(
            message_id=str(id_), sent_at=sent_at, channel=channel, direction=direction, draft_state=draft_state
        ),
        original_lead_id=str(original),
        addresses=frozenset(to if direction == "outbound" else {from_email} - {None}),
    )


_LEAD = """
SELECT workspace_id, lead_id, suppression_reason, suppressed_at FROM analytics.leads
WHERE lead_id = %s OR %s = ANY(merged_lead_ids)
"""
_IDENTITIES = """
SELECT kind, value, is_alias FROM analytics.lead_identities
WHERE workspace_id = %s AND lead_id = %s ORDER BY kind, value
"""
_MESSAGES = """
SELECT m.message_id, m.original_lead_id, m.sent_at, m.channel, m.direction, m.from_email, m.attrs -> 'to',
    c.draft_state
FROM analytics.messages AS m
LEFT JOIN analytics.conversations AS c ON c.workspace_id = m.workspace_id AND c.message_id = m.message_id
WHERE m.workspace_id = %s AND m.lead_id = %s
ORDER BY m.sent_at, m.message_id
"""
_OPEN_JOBS = """
SELECT job_id FROM analytics.jobs
WHERE workspace_id = %s AND message_id = ANY(%s::uuid[]) AND state IN ('waiting', 'running', 'paused')
ORDER BY job_id
"""
