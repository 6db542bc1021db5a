"""The world of a step as the engine builds it: the job's input, the workspace, the AI seam. Loads no framework."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from streams.ai.reading import Read, ReadOf, read_here
from streams.jobs.step import JobInput, WorkspaceProfile
from streams.jobs.step_ai import StepAi


@dataclass(slots=True)
class Profile:
    """See `streams.jobs.step.WorkspaceProfile`. A value of its own, so that no step ever holds a secret."""

    id: str
    name: str
    timezone: str
    settings: Any


class StepCall(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one step, for whoever makes its AI seam."""

    job: JobInput
    step: str
    workspace: WorkspaceProfile
    #: The webhook that caused the job.
    receipt_id: str
    traceparent: str


#: Makes the AI seam of one run of a step.
AiOf = Callable[[StepCall], StepAi]
#: The profile of a workspace; None when there is no such workspace any more.
ProfileOf = Callable[[str], WorkspaceProfile | None]


class Reach(msgspec.Struct, frozen=True):
    """All that steps reach outside of themselves."""

    ai_of: AiOf
    #: Reads what leads wrote.
    read_of: ReadOf


@dataclass(slots=True)
class Context:
    """See `streams.jobs.step.StepContext`."""

    job: JobInput
    workspace: WorkspaceProfile
    results: Mapping[str, dict[str, Any]]
    now: datetime
    ai: StepAi
    read: Read = read_here
    is_overtaken: Callable[[], bool] = lambda: False
