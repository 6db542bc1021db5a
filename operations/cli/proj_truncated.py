"""`headrace proj truncated`: which rows stand for records that Kafka lost, and the way back to what it has."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from operations.cli.acting import Acting
from operations.cli.options import takes_groups
from operations.cli.proj_options import NamesOrAll, named_or_all

if TYPE_CHECKING:
    from operations.versions.truncated_rows import TruncatedRows

#: Keys of a table that are printed; JSON has more.
_SHOWN = 3


@takes_groups
def truncated(names: NamesOrAll = None, *, acting: Acting) -> None:
    """Name the rows of records that Kafka acknowledged and lost; with --execute remove them, and read the log again.

    For the versions that are written. Nothing that the log still has is lost by it.
    """
    from headrace.settings import Settings
    from operations.versions.truncated_rows import VERB, plan_truncated, repair_truncated

    settings = Settings()
    plan = plan_truncated(settings, named_or_all(names))
    acting.tell(*_plan_lines(plan))
    subjects = [f"projection:{name}" for name in sorted({lost.projection for lost in plan})]
    with acting.run(settings, VERB, subjects, {"plan": msgspec.to_builtins(plan)}, is_needed=bool(plan)) as run:
        if run is not None:
            repair_truncated(settings, plan)
            run.finish(rows=sum(sum(lost.rows.values()) for lost in plan))
    acting.report({"executed": run is not None, "truncated": plan}, _outcome(plan, is_done=run is not None))


def _outcome(plan: "Sequence[TruncatedRows]", *, is_done: bool) -> str:
    if not plan:
        return "No row is ahead of the log: there is nothing to repair."
    if is_done:
        return "Done. Start `headrace run projections`; `headrace proj status` tells how far it is."
    return "Nothing was done. Add --execute to repair."


def _plan_lines(plan: "Sequence[TruncatedRows]") -> Iterator[str]:
    for lost in plan:
        rows = ", ".join(f"{count:,} of {table}" for table, count in lost.rows.items()) or "none"
        yield (
            f"{lost.projection} version {lost.version}, {lost.topic}[{lost.partition}]: Kafka lost what it had from "
            f"offset {lost.first_lost:,} on, and it is projected up to {lost.position:,}. To be removed: {rows}, "
            f"{lost.dead_letters:,} dead letters. To be read again: {lost.log_end - lost.log_start:,} records."
        )
        for table, keys in lost.named.items():
            for key in keys[:_SHOWN]:
                yield f"  {table}: " + ", ".join(f"{column} {value}" for column, value in key.items())
            if lost.rows[table] > _SHOWN:
                yield f"  {table}: and {lost.rows[table] - _SHOWN:,} more; --json names up to 100"
