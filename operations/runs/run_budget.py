"""What a run may spend on models, over all its calls and over its interruptions. Asks nobody anything."""

import asyncio
from collections.abc import Sequence

from headrace.events.ai import AiCalled
from headrace.refusal import Refusal
from streams.jobs.step import StepFailed, WorkspaceProfile


class SpendingRefused(Refusal):
    """No model can be asked as it was meant; the message says why and what to do."""


class BudgetSpent(Refusal):
    """The next call may cost more than is left of what was allowed."""


class RunBudget:
    """See `streams.jobs.desk_ai.Ledger`: micro-USD for all calls of a run, whoever's they are."""

    def __init__(self, limit: int, spent: int = 0) -> None:
        self.limit = limit
        self.spent = spent
        self._reserved: dict[str, int] = {}
        self._settled = asyncio.Event()

    def reserve(self, _workspace: WorkspaceProfile, call_id: str, most: int | None) -> None:
        """See `Ledger`."""
        if most is None:
            raise SpendingRefused("The model has no price, so no budget can be kept: add it to HEADRACE_AI_PRICES.")
        if self.spent + sum(self._reserved.values()) + most > self.limit:
            raise StepFailed("over_budget", "over_budget")
        self._reserved[call_id] = most

    def settle(self, _workspace: WorkspaceProfile, call_id: str, tries: Sequence[AiCalled]) -> None:
        """See `Ledger`. A try of unknown cost counts with all it may have cost."""
        self._reserved.pop(call_id, None)
        self.spent += sum(map(cost_of, tries))
        self._settled.set()

    async def room(self) -> None:
        """Returns once a call under way is over; raises BudgetSpent when none is."""
        if not self._reserved:
            raise BudgetSpent(
                f"{self.spent:,} of {self.limit:,} micro-USD are spent, and the next question may cost more than is "
                "left. What was answered is kept: go on with a higher --allow-spend."
            )
        self._settled.clear()
        await self._settled.wait()


def cost_of(call: AiCalled) -> int:
    """What a try counts against a budget, micro-USD."""
    return call.cost_micro_usd if call.cost_micro_usd is not None else call.most_micro_usd or 0
