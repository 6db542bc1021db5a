"""Lets parked jobs go on when their workspace's AI budget was raised: they wait for its next day, and that may be long.

A job that finds no room after all parks itself again, as it did before.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from headrace.kafka.faust.loop import Loop
from headrace.workspaces.follow import WorkspaceFollower
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.executor import Executor

log = structlog.get_logger()

#: A person who raises a budget looks for an effect within a minute.
LOOK_SECONDS = 10.0

#: Workspace → micro-USD a day; None is no limit.
Limits = Mapping[str, int | None]


class RaisedBudgets(Loop):
    """Compares the budgets with what they were at the last look."""

    def __init__(self, workspaces: WorkspaceFollower, executor: Executor, ledger: BudgetLedger) -> None:
        super().__init__()
        self._workspaces = workspaces
        self._executor = executor
        self._ledger = ledger
        #: None: this process knows not yet what was, and goes by what is left of each budget.
        self._known: Limits | None = None

    async def run_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._executor.is_ready:
                await self.look()

    async def look(self) -> None:
        """Once."""
        found = {one.id: one for one in self._workspaces.directory}
        limits = {id_: one.settings.ai_budget_micro_usd_per_day for id_, one in found.items()}
        with_room = raised(
            self._known, limits, lambda id_: self._ledger.has_room(id_, found[id_].timezone, limits[id_])
        )
        self._known = limits
        for workspace in with_room:
            if released := await self._executor.begin_parked(workspace):
                log.info("jobs.budget_raised", workspace=workspace, jobs=released)


def raised(known: Limits | None, now: Limits, has_room: Callable[[str], bool]) -> list[str]:
    """Whose budget is higher than it was. `known` is None at a start: then whose budget has room left."""
    if known is None:
        return [id_ for id_ in now if has_room(id_)]
    return [id_ for id_, limit in now.items() if _is_more(limit, known.get(id_, limit))]


def _is_more(limit: int | None, before: int | None) -> bool:
    return before is not None and (limit is None or limit > before)
