"""A dead letter and the filter that finds it: values that the ledger of runs can keep."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from headrace.events.dead_letters import PROJECT, QUARANTINE, LetterId

State = Literal["open", "redriven", "fixed", "failed again", "discarded"]
#: Who gives up on records, but for projections, which are `project:<name>`.
STAGES = ("dedupe", "resolve", "request", "label", "execute")
#: What somebody should look at.
UNFINISHED: tuple[State, ...] = ("open", "redriven", "failed again")
#: What can be sent again, or discarded, without being named.
FITTING: tuple[State, ...] = ("open", "failed again")


class LetterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters: all that fit every condition that is set. Ids are as `headrace dlq list` prints them."""

    ids: tuple[str, ...] = ()
    stage: str | None = None
    #: Where the record stood, with or without the installation's prefix.
    topic: str | None = None
    #: Part of the error's class or of the reason, in any case.
    error: str | None = None
    provider: str | None = None
    workspace: str | None = None
    receipt_id: str | None = None
    #: Failed last from then on, and before.
    since: datetime | None = None
    until: datetime | None = None
    #: None is what fits the verb.
    states: tuple[State, ...] | None = None
    #: Webhooks that ingest could not assign, instead of what a stage gave up on.
    quarantine: bool = False
    limit: int | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One letter as the rows have it."""

    id: str
    state: State
    stage: str
    origin_topic: str
    origin_partition: int
    origin_offset: int
    workspace: str | None
    receipt_id: str | None
    #: Empty where the rows don't tell.
    provider: str = ""
    error_class: str
    reason: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    generation: int
    changed_at: datetime | None
    changed_by: str | None
    run_id: str | None
    discard_reason: str | None
    job_id: str | None
    #: Where the record is kept in Kafka; None when Postgres keeps it.
    kept_topic: str | None
    kept_partition: int | None
    kept_offset: int | None

    @property
    def place(self) -> LetterId:
        """Its id in parts."""
        return LetterId(self.origin_topic, self.origin_partition, self.origin_offset, self.stage)

    @property
    def projection(self) -> str | None:
        """The projection that refused the record; None for a stage of the workers."""
        return self.stage.removeprefix(PROJECT) if self.stage.startswith(PROJECT) else None

    @property
    def is_quarantined(self) -> bool:
        """Whether ingest could not assign it."""
        return self.stage == QUARANTINE


class LetterStep(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a letter."""

    event: Literal["redriven", "failed", "fixed", "discarded"]
    generation: int
    happened_at: datetime
    by: str | None = None
    run_id: str | None = None
    #: Where the record that was sent again stands.
    record: str | None = None
    error_class: str | None = None
    reason: str | None = None


def filter_scope(wanted: LetterFilter) -> dict[str, Any]:
    """The filter as the ledger of runs keeps it, without what is not set."""
    plain: dict[str, Any] = msgspec.to_builtins(wanted)
    return {name: value for name, value in plain.items() if value not in (None, [], False)}


def filter_of(scope: dict[str, Any]) -> LetterFilter:
    """The inverse."""
    return msgspec.convert(scope, LetterFilter)
