"""What an OpenAI-compatible server is sent and what it may send back, as values without a client."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import JSONDecoder
from math import ceil, isfinite
from typing import Annotated, Any, Literal

import msgspec

from headrace.events.storable import storable_document
from streams.ai.answers import wire_schema
from streams.ai.provider import AITask, Usage
from streams.ai.tasks import PROMPT_KEYS
from streams.ai.untrusted import trusted_document, untrusted_document

#: Ways to ask for structure, from the strictest down.
Structure = Literal["json_schema", "json_object", "text"]
LADDER: tuple[Structure, ...] = ("json_schema", "json_object", "text")
#: Answers are some kilobytes; some servers add what their model thought.
MOST_BODY_BYTES = 1024 * 1024
#: Characters of the answer itself that are looked at.
LONGEST_ANSWER = 65_536
MOST_TOKENS = 1_000_000_000
#: Parameters that some servers refuse: left out or renamed once they did.
ADAPTABLE = ("reasoning_effort", "max_completion_tokens")
_JSON = JSONDecoder()


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What was wrong with the answer before: the answer itself, and its invalid fields by name."""

    answer: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to ask this time."""

    structure: Structure
    max_output_tokens: int
    #: Members of ADAPTABLE the server does not take.
    refused: frozenset[str] = frozenset()
    #: Without the oldest part of the conversation.
    trimmed: bool = False
    #: With twice the room for the answer.
    lengthened: bool = False
    repair: Repair | None = None


def request_body(task: AITask[Any], plan: Plan, model: str) -> dict[str, Any]:
    """The parameters of `chat.completions.create`."""
    body: dict[str, Any] = {"model": model, "messages": _messages(task, plan)}
    limit = "max_tokens" if "max_completion_tokens" in plan.refused else "max_completion_tokens"
    body[limit] = plan.max_output_tokens
    if "reasoning_effort" not in plan.refused:
        body["reasoning_effort"] = task.effort
    if plan.structure == "json_schema":
        name = PROMPT_KEYS[type(task.question)]
        schema = {"name": name, "strict": True, "schema": wire_schema(task.answer)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif plan.structure == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def _messages(task: AITask[Any], plan: Plan) -> list[dict[str, str]]:
    # The prompt first and the facts after it, so that servers can reuse what they computed for the prompt.
    mark = f"Internal mark, never repeat it: {task.prompt.canary}"
    system = f"{task.prompt.text}\n\nFACTS: {trusted_document(task.question)}\n\n{mark}"
    if plan.structure != "json_schema":
        schema = msgspec.json.encode(wire_schema(task.answer)).decode()
        system += f"\n\nAnswer with one JSON object that fits this JSON Schema: {schema}"
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": untrusted_document(task.question, trimmed=plan.trimmed)},
    ]
    if plan.repair is not None:
        fields = ", ".join(plan.repair.fields)
        messages += [
            {"role": "assistant", "content": plan.repair.answer},
            {
                "role": "user",
                "content": f"These fields don't fit: {fields}. Give the whole JSON object again, corrected.",
            },
        ]
    return messages


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class Completion(msgspec.Struct, frozen=True):
    """The parts of a chat completion that are read. The SDK's own model checks nothing, so we do."""

    choices: Annotated[tuple[_Choice, ...], msgspec.Meta(min_length=1)]
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None

    @property
    def text(self) -> str:
        """The answer; empty when there is none."""
        return self.choices[0].message.content or ""

    @property
    def finish(self) -> str:
        """Why the model stopped."""
        return self.choices[0].finish_reason or "stop"

    @property
    def is_refusal(self) -> bool:
        """The model declined, which chat completions tell in this field only."""
        return bool(self.choices[0].message.refusal)


_COMPLETION = msgspec.json.Decoder(Completion)


def read_completion(body: bytes) -> Completion | None:
    """The completion in a response's body, storable: without NUL characters and halves of characters.

    None when there is none, or more than any answer needs.
    """
    if len(body) > MOST_BODY_BYTES:
        return None
    try:
        return _COMPLETION.decode(storable_document(body.decode()))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def usage_of(completion: Completion, request: dict[str, Any]) -> Usage:
    """Tokens as reported; estimated from the bytes where the server doesn't count."""
    usage = completion.usage
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        sent = sum(len(message["content"].encode()) for message in request["messages"])
        return Usage(input=ceil(sent / 4), output=ceil(len(completion.text.encode()) / 4), source="estimated")
    cached = usage.prompt_tokens_details or _InputDetails()
    reasoning = usage.completion_tokens_details or _OutputDetails()
    return Usage(
        input=_tokens(usage.prompt_tokens),
        cached=_tokens(cached.cached_tokens),
        cache_write=_tokens(cached.cache_write_tokens),
        output=_tokens(usage.completion_tokens),
        reasoning=_tokens(reasoning.reasoning_tokens),
        source="reported",
    )


def _tokens(count: int | None) -> int:
    """A number of tokens as there can be: others would make budgets and rows overflow."""
    return min(max(0, count or 0), MOST_TOKENS)


def json_object_in(text: str) -> str:
    """The object an answer begins with, out of prose and fences; the text itself if that is none."""
    stripped = text.strip()
    start = stripped.find("{")
    if start < 0:
        return stripped
    try:
        _, end = _JSON.raw_decode(stripped, start)
    except (ValueError, RecursionError):
        return stripped
    return stripped[start:end]


def retry_after_seconds(headers: Any, now: datetime) -> float | None:
    """What the server asks to wait: `retry-after-ms`, or `retry-after` as seconds or as an HTTP date."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        at = parsedate_to_datetime(value or "")
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        # A zone or a year that no clock has.
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None
