"""An OpenAI-compatible server that answers without a model and fails on request, so that the real client is tested.

`python -m operations.dev.sandbox.ai_server --port 8090`, then AI_PROVIDER=openai, OPENAI_API_KEY=sandbox-key and
AI_BASE_URL=http://127.0.0.1:8090/v1. What it answers when nobody scripted anything is what the offline provider would
say, read from the request itself; scripts come in over `/control`.
"""

import argparse
import asyncio
import itertools
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from operations.dev.sandbox.ai_answers import SandboxAnswers, UnreadableRequest
from operations.dev.sandbox.serving import running

DEFAULT_KEY = "sandbox-key"
MODELS = ("gpt-5-mini", "gpt-5", "gpt-5-nano")

#: What goes wrong, by name.
Fault = Literal[
    "status",
    "insufficient_quota",
    "hang",
    "trickle",
    "broken_json",
    "not_a_completion",
    "no_choices",
    "schema_breaking",
    "fenced",
    "refusal",
    "length",
    "content_filter",
    "no_usage",
    "refuse_parameter",
    "refuse_structure",
    "context_too_long",
    "close",
]


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One scripted behaviour. Without conditions it meets every request."""

    #: Answer with this text instead of what the request asks for.
    content: str | None = None
    fault: Fault | None = None
    status: int = 500
    headers: dict[str, str] = {}
    #: Seconds before the reply, or between the pieces of a trickling one.
    delay: float = 0.0
    #: The parameter or response_format type that is refused.
    refused: str = ""
    usage: dict[str, Any] | None = None
    #: How many requests it meets; None for all from now on.
    times: int | None = None
    #: Meets only requests for this schema, and only those whose newest message holds this text.
    schema: str = ""
    contains: str = ""


class Seen(msgspec.Struct):
    """A request as it came, for tests to look at."""

    schema: str
    structure: str
    authorised: bool
    body: dict[str, Any]


class Sandbox:
    """The state of one server: its key, its pace, its script, and what it was asked."""

    def __init__(self, key: str = DEFAULT_KEY, delay: float = 0.0, answers: SandboxAnswers | None = None) -> None:
        self.key = key
        #: Seconds every answer takes.
        self.delay = delay
        self.rules: list[Rule] = []
        self.seen: list[Seen] = []
        #: Set once the first request came.
        self.asked = asyncio.Event()
        self.under_way = 0
        #: Holds answers back until so many requests wait for one.
        self.barrier: asyncio.Barrier | None = None
        self.most_at_once = 0
        self._answers = answers or SandboxAnswers()
        self._numbers = itertools.count(1)

    def rule_for(self, seen: Seen) -> Rule | None:
        """The first rule that meets the request, counted down."""
        for rule in self.rules:
            if _meets(rule, seen):
                if rule.times is not None:
                    rule.times -= 1
                    self.rules = [kept for kept in self.rules if kept.times != 0]
                return rule
        return None

    async def complete(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            return await self._complete(request)
        finally:
            self.under_way -= 1

    async def _complete(self, request: Request) -> Response:
        number = next(self._numbers)
        body = msgspec.json.decode(await request.body())
        seen = Seen(
            schema=self._answers.schema_of(body),
            structure=body.get("response_format", {}).get("type", "text"),
            authorised=request.headers.get("authorization") == f"Bearer {self.key}",
            body=body,
        )
        self.seen.append(seen)
        self.asked.set()
        if not seen.authorised:
            # Like the real one, it echoes the key it was given: ours must never reach a log.
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            return _error(401, f"Incorrect API key provided: {given}.", "invalid_api_key", number)
        if body.get("model") not in MODELS:
            return _error(404, f"The model `{body.get('model')}` does not exist.", "model_not_found", number)
        if self.barrier is not None:
            await self.barrier.wait()
        rule = self.rule_for(seen) or Rule()
        await asyncio.sleep(self.delay if rule.fault == "trickle" else self.delay + rule.delay)
        return await self._reply(body, rule, seen, number)

    async def _reply(self, body: dict[str, Any], rule: Rule, seen: Seen, number: int) -> Response:
        if (refusal := _refused(rule, seen, number)) is not None:
            return refusal
        try:
            content = rule.content if rule.content is not None else await self._answers.answer(body)
        except UnreadableRequest as error:
            return _error(400, str(error), "invalid_request", number)
        completion = _completion(body, content, number, rule)
        payload = msgspec.json.encode(completion)
        headers = {"x-request-id": f"req-{number}", **rule.headers}
        match rule.fault:
            case "broken_json":
                return Response(payload[: len(payload) // 2], media_type="application/json", headers=headers)
            case "not_a_completion":
                return Response("<html>Welcome to nginx</html>", media_type="text/html", headers=headers)
            case "trickle":
                return StreamingResponse(_drops(payload, rule.delay), media_type="application/json", headers=headers)
        return Response(payload, media_type="application/json", headers=headers)

    async def control(self, request: Request) -> Response:
        """GET tells the state, PATCH sets key or delay, POST adds rules, DELETE forgets rules and requests."""
        if request.method == "POST":
            rules = msgspec.json.decode(await request.body(), type=list[Rule])
            self.rules.extend(rules)
        elif request.method == "PATCH":
            changes = await request.json()
            self.key = changes.get("key", self.key)
            self.delay = float(changes.get("delay", self.delay))
        elif request.method == "DELETE":
            self.rules, self.seen, self.most_at_once = [], [], 0
        return JSONResponse(
            {
                "requests": len(self.seen),
                "rules": len(self.rules),
                "delay": self.delay,
                "most_at_once": self.most_at_once,
                "schemas": [seen.schema for seen in self.seen],
            }
        )


def application(sandbox: Sandbox) -> Starlette:
    """The server's routes."""

    async def models(_request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", sandbox.complete, methods=["POST"]),
            Route("/v1/models", models),
            Route("/control", sandbox.control, methods=["GET", "POST", "PATCH", "DELETE"]),
        ]
    )


@asynccontextmanager
async def serving(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Runs the server within the present event loop, on a free port unless one is given; yields the API's base URL."""
    config = uvicorn.Config(application(sandbox), host=host, port=port, log_level="warning")
    async with running(config) as address:
        yield f"{address}/v1"


def _meets(rule: Rule, seen: Seen) -> bool:
    if rule.schema and rule.schema != seen.schema:
        return False
    if rule.fault == "refuse_parameter" and rule.refused not in seen.body:
        return False
    if rule.fault == "refuse_structure" and rule.refused != seen.structure:
        return False
    newest = str(seen.body["messages"][1]["content"]) if len(seen.body.get("messages", ())) > 1 else ""
    return rule.contains in newest


def _refused(rule: Rule, seen: Seen, number: int) -> Response | None:
    """The reply of a fault that leaves no completion; None for the other faults."""
    if rule.fault in ("hang", "close"):
        pieces = _nothing() if rule.fault == "hang" else _broken_off()
        return StreamingResponse(pieces, media_type="application/json")
    refusals: dict[str, tuple[int, str, str, str | None]] = {
        "status": (rule.status, "The server had an error.", "server_error", None),
        "insufficient_quota": (429, "You exceeded your current quota.", "insufficient_quota", None),
        "context_too_long": (400, "This model's maximum context length is small.", "context_length_exceeded", None),
        "refuse_parameter": (400, f"'{rule.refused}' is not supported.", "unsupported_parameter", rule.refused),
        "refuse_structure": (400, f"{seen.structure} is not supported.", "invalid_request_error", "response_format"),
    }
    if rule.fault not in refusals:
        return None
    status, message, code, param = refusals[rule.fault]
    return _error(status, message, code, number, rule.headers, param)


def _error(
    status: int, message: str, code: str, number: int, headers: dict[str, str] | None = None, param: str | None = None
) -> Response:
    error = {"error": {"message": message, "type": code, "code": code, "param": param}}
    return JSONResponse(error, status, headers={"x-request-id": f"req-{number}", **(headers or {})})


def _completion(body: dict[str, Any], content: str, number: int, rule: Rule) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    finish = rule.fault if rule.fault in ("length", "content_filter") else "stop"
    match rule.fault:
        case "schema_breaking":
            message["content"] = '{"label": "Snoozed", "unexpected": true}'
        case "fenced":
            message["content"] = f"Here it is:\n```json\n{content}\n```\nAnything else?"
        case "refusal":
            message |= {"content": None, "refusal": "I can't help with that."}
        case "length":
            message["content"] = content[: len(content) // 2]
        case "content_filter":
            message["content"] = ""
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_772_450_000,
        "model": f"{body['model']}-2025-08-07",
        "choices": [] if rule.fault == "no_choices" else [choice],
        "usage": None if rule.fault == "no_usage" else rule.usage or _usage(body, content),
    }


def _usage(body: dict[str, Any], content: str) -> dict[str, Any]:
    """Made up, but steadily: four bytes a token, the prompt's whole 128-token blocks from the cache."""
    system, *rest = (math.ceil(len(str(message["content"]).encode()) / 4) for message in body["messages"])
    sent, written, thought = system + sum(rest), math.ceil(len(content.encode()) / 4), 32
    return {
        "prompt_tokens": sent,
        "completion_tokens": written + thought,
        "total_tokens": sent + written + thought,
        "prompt_tokens_details": {"cached_tokens": system // 128 * 128},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


async def _drops(payload: bytes, delay: float) -> AsyncIterator[bytes]:
    for start in range(0, len(payload), 16):
        yield payload[start : start + 16]
        await asyncio.sleep(delay)


async def _nothing() -> AsyncIterator[bytes]:
    yield b" "
    await asyncio.sleep(3600)


async def _broken_off() -> AsyncIterator[bytes]:
    yield b'{"choices": ['
    raise ConnectionResetError("as scripted")


def main() -> None:
    """Runs the server in the foreground."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--key", default=DEFAULT_KEY)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds every answer takes")
    given = parser.parse_args()
    sandbox = Sandbox(given.key, given.delay)
    uvicorn.run(application(sandbox), host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
