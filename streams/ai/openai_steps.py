"""What to do after each try at an OpenAI-compatible server: plan and outcome in, next plan or end out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from headrace.events.storable import storable_document
from streams.ai.openai_completion import LONGEST_ANSWER, Completion, json_object_in
from streams.ai.openai_errors import Rejection
from streams.ai.openai_request import LADDER, Plan, Repair
from streams.ai.provider import AIError, AIPermanent, AIRetryable, AITask
from streams.ai.tasks import contradictions

T = TypeVar("T", bound=BaseModel)
#: What pydantic says when the server did not follow the schema at all; the rest are values out of range.
_STRUCTURAL = ("json_", "missing", "extra_", "literal_", "model_", "_type", "_parsing")


@dataclass(frozen=True, kw_only=True)
class Valid(Generic[T]):
    """The answer."""

    value: T


@dataclass(frozen=True, kw_only=True)
class Failed:
    """There will be no answer in this run. `error` says what the last call was wrong about."""

    kind: type[AIError]
    reason: str
    retry_after: float | None = None
    #: See `Invalid.fields`.
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Again:
    """Ask once more, otherwise. `reason` says what the last call was wrong about."""

    plan: Plan
    reason: str


@dataclass(frozen=True, kw_only=True)
class Invalid:
    """What is wrong with an answer: names of fields, never their content."""

    fields: tuple[str, ...]
    #: The server did not follow the schema, as opposed to a value we don't accept.
    is_structural: bool


#: Ends that bring no answer, by why the model stopped.
_BROKEN_OFF: Mapping[str, Failed] = {
    "error": Failed(kind=AIRetryable, reason="server_error"),
    "content_filter": Failed(kind=AIPermanent, reason="content_filter"),
}


def after_rejection(plan: Plan, rejection: Rejection) -> Again | Failed:
    """Each remedy once: what a server refuses twice, it refuses."""
    if rejection.remedy == "without_parameter" and rejection.parameter not in plan.refused:
        return Again(plan=replace(plan, refused=plan.refused | {rejection.parameter}), reason=rejection.reason)
    if rejection.remedy == "less_structure" and plan.structure != LADDER[-1]:
        lower = LADDER[LADDER.index(plan.structure) + 1]
        return Again(plan=replace(plan, structure=lower), reason=rejection.reason)
    if rejection.remedy == "less_history" and not plan.trimmed:
        return Again(plan=replace(plan, trimmed=True), reason=rejection.reason)
    return Failed(kind=rejection.kind, reason=rejection.reason, retry_after=rejection.retry_after)


def after_completion(task: AITask[T], plan: Plan, completion: Completion) -> Valid[T] | Again | Failed:
    """The answer, one more try, or why there is none."""
    if completion.is_refusal:
        return Failed(kind=AIPermanent, reason="refusal")
    if broken_off := _BROKEN_OFF.get(completion.finish):
        return broken_off
    if completion.finish == "length":
        return _longer(plan)
    if not completion.text.strip():
        return Failed(kind=AIRetryable, reason="bad_body")
    answer = validated(task, completion.text)
    if isinstance(answer, Invalid):
        return _repaired(plan, completion.text, answer)
    return Valid(value=answer)


def validated(task: AITask[T], text: str) -> T | Invalid:
    """The answer in a model's text, by its schema and against its question."""
    try:
        answer = task.answer.model_validate_json(storable_document(json_object_in(text[:LONGEST_ANSWER])))
    except ValidationError as error:
        return _invalid(error)
    wrong = contradictions(task.question, answer)
    return Invalid(fields=wrong, is_structural=False) if wrong else answer


def _invalid(error: ValidationError) -> Invalid:
    # Without input and context: they would carry what the model or the lead said.
    details = error.errors(include_input=False, include_url=False, include_context=False)
    fields = tuple(dict.fromkeys(_place(detail["loc"]) for detail in details))
    return Invalid(fields=fields, is_structural=any(_is_structural(detail["type"]) for detail in details))


def _place(location: tuple[int | str, ...]) -> str:
    """A name of ours: an unknown field is not repeated, for it could say anything."""
    return (
        ".".join(str(part)[:40] for part in location if isinstance(part, int) or str(part).isidentifier()) or "object"
    )


def _is_structural(kind: str) -> bool:
    return any(part in kind for part in _STRUCTURAL)


def _longer(plan: Plan) -> Again | Failed:
    if plan.lengthened:
        return Failed(kind=AIPermanent, reason="length")
    return Again(plan=replace(plan, lengthened=True, max_output_tokens=2 * plan.max_output_tokens), reason="length")


def _repaired(plan: Plan, text: str, invalid: Invalid) -> Again | Failed:
    if plan.repair is not None:
        return Failed(kind=AIPermanent, reason="schema_invalid", fields=invalid.fields)
    # A server that takes a schema and answers beside it never looked at it: show it in the prompt instead.
    ignores_schema = invalid.is_structural and plan.structure == "json_schema"
    structure = "json_object" if ignores_schema else plan.structure
    repaired = replace(plan, structure=structure, repair=Repair(answer=text[:8_000], fields=invalid.fields))
    return Again(plan=repaired, reason="schema_invalid")


#: More tries than any sequence of remedies needs: two parameters, two rungs, history, length, repair, and the answer.
MOST_TRIES = 8
Step = Valid[Any] | Again | Failed
