"""What an OpenAI-compatible server may answer, in the many shapes that servers write, read into one."""

import re
from collections.abc import Iterator
from json import JSONDecoder
from math import ceil, isfinite
from typing import Annotated, Any, TypeVar

import msgspec

from headrace.events.storable import storable_document
from streams.ai.provider import Usage

#: Answers are some kilobytes; some servers add what their model thought.
MOST_BODY_BYTES = 1024 * 1024
#: Characters of the answer itself that are looked at.
LONGEST_ANSWER = 65_536
MOST_TOKENS = 1_000_000_000
#: Braces at which an answer's object is looked for.
_MOST_BRACES = 64
_JSON = JSONDecoder()
_T = TypeVar("_T")
#: What a model thought aloud; where the first tag was left out, all before the last.
_THOUGHT = re.compile(r"\A.*</(?:think|thinking|thought|reasoning)>", re.DOTALL | re.IGNORECASE)
#: Other servers' words for how a model stopped, by OpenAI's.
_FINISHES = {
    "max_tokens": "length", "model_length": "length", "max_output_tokens": "length", "end_turn": "stop", "eos": "stop",
    "safety": "content_filter", "prohibited_content": "content_filter", "recitation": "content_filter",
    "malformed_function_call": "error",
}  # fmt: skip


class _Part(msgspec.Struct, frozen=True):
    """A part of an answer: text, a refusal, or what the model thought, which has another type."""

    type: str = ""
    text: Any = None
    refusal: Any = None


class _Function(msgspec.Struct, frozen=True):
    #: An object as JSON, or as it is.
    arguments: Any = None


class _ToolCall(msgspec.Struct, frozen=True):
    function: _Function | None = None


class _Message(msgspec.Struct, frozen=True):
    content: str | tuple[_Part, ...] | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: tuple[_ToolCall, ...] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None
    #: What broke off the answer, from servers that pass on others' answers.
    error: Any = None


class _InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: Any = None
    cache_write_tokens: Any = None


class _OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: Any = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: Any = None
    completion_tokens: Any = None
    prompt_tokens_details: Any = None
    completion_tokens_details: Any = None


class Completion(msgspec.Struct, frozen=True):
    """The parts of a chat completion that are read. The SDK's own model checks nothing, so we do."""

    choices: Annotated[tuple[_Choice, ...], msgspec.Meta(min_length=1)]
    id: str | None = None
    model: str | None = None
    #: Read by itself: an odd count is no reason to pay for the same answer again.
    usage: Any = None

    @property
    def text(self) -> str:
        """The answer, wherever the server put it: content, its parts, a tool's arguments; empty when there is none.

        What a model thought is taken when there is nothing else and it holds an object: some servers put all there.
        """
        message = self.choices[0].message
        text = _content(message) or next(filter(None, map(_arguments, _functions(message))), "")
        if text.strip():
            return text
        thoughts = (thought for thought in (message.reasoning_content, message.reasoning) if isinstance(thought, str))
        return next((thought for thought in thoughts if "{" in thought), "")

    @property
    def finish(self) -> str:
        """Why the model stopped, in OpenAI's words."""
        choice = self.choices[0]
        finish = (choice.finish_reason or "stop").lower()
        return "error" if choice.error else _FINISHES.get(finish, finish)

    @property
    def error(self) -> Any:
        """What broke off the answer, as the server wrote it; None when nothing did."""
        return self.choices[0].error

    @property
    def is_refusal(self) -> bool:
        """The model declined, which chat completions tell in a field or a part of their own."""
        message = self.choices[0].message
        parts = message.content if isinstance(message.content, tuple) else ()
        return bool(message.refusal) or any(part.refusal for part in parts)


_COMPLETION = msgspec.json.Decoder(Completion)


def _content(message: _Message) -> str:
    if not isinstance(message.content, tuple):
        return message.content or ""
    return "".join(map(_text_of, message.content))


def _text_of(part: _Part) -> str:
    return part.text if part.type in ("text", "output_text", "") and isinstance(part.text, str) else ""


def _functions(message: _Message) -> Iterator[_Function]:
    yield from (call.function for call in message.tool_calls or () if call.function)
    if message.function_call:
        yield message.function_call


def _arguments(function: _Function) -> str:
    arguments = function.arguments
    return arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode() if arguments else ""


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
    usage = _converted(completion.usage, _Usage)
    prompt, answer = _count(usage.prompt_tokens), _count(usage.completion_tokens)
    if prompt is None or answer is None:
        sent = sum(len(message["content"].encode()) for message in request["messages"])
        return Usage(input=ceil(sent / 4), output=ceil(len(completion.text.encode()) / 4), source="estimated")
    cached = _converted(usage.prompt_tokens_details, _InputDetails)
    reasoning = _converted(usage.completion_tokens_details, _OutputDetails)
    return Usage(
        input=prompt,
        cached=_count(cached.cached_tokens) or 0,
        cache_write=_count(cached.cache_write_tokens) or 0,
        output=answer,
        reasoning=_count(reasoning.reasoning_tokens) or 0,
        source="reported",
    )


def _converted(value: Any, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return kind()


def _count(value: Any) -> int | None:
    """A number of tokens as there can be: others would make budgets and rows overflow. Some servers write text."""
    try:
        count = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0, int(count)), MOST_TOKENS) if isfinite(count) else None


def json_object_in(text: str) -> str:
    """The first object of an answer, out of thoughts, prose and fences; the text itself if there is none."""
    stripped = text.strip()
    if not stripped.startswith("{"):
        stripped = _THOUGHT.sub("", stripped).strip()
    place = -1
    for _ in range(_MOST_BRACES):
        if (place := stripped.find("{", place + 1)) < 0:
            break
        try:
            value, end = _JSON.raw_decode(stripped, place)
        except (ValueError, RecursionError):
            continue
        if value:
            return stripped[place:end]
    return stripped
