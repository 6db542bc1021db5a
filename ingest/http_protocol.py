"""uvicorn's HTTP protocol with limits: its C parser takes heads, trailers and pipelines of any length.

The limits are checked on what the parser left unfinished, after each piece of bytes: a webhook that arrives whole
costs one comparison more than without them.
"""

import asyncio
from functools import partial
from typing import Any

import httptools
import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from ingest import problems
from ingest.connections import Connections, Stage
from ingest.problems import Problem, problem_document

#: Bytes handed to the parser at once. What it keeps of an unfinished request can exceed a limit by one piece.
_PIECE = 16_384
#: Of a head, or of what stands between the pieces of a body: providers send less than 2 KiB.
MOST_HEAD_BYTES = 32_768
MOST_HEADERS = 100
#: Requests waiting behind one that is being answered, and the bytes of their bodies. No provider sends any so.
MOST_PIPELINED = 8
_MOST_PIPELINED_BYTES = 65_536


class _HeadTooLarge(Exception):
    """Raised within the parser."""


class _PipelineFull(Exception):
    """Raised within the parser: one piece holds hundreds of requests, each of which costs as much as an honest one."""


def limited_protocol(connections: Connections) -> "partial[LimitedHttpProtocol]":
    """What uvicorn makes a protocol of for each connection."""
    return partial(LimitedHttpProtocol, connections=connections)


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = connections
        self._has_body_moved = False
        #: Bytes of the unfinished head, or since the last bytes of a body.
        self._unfinished = 0
        self._parsed_scope: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._limits.add(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._limits.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if len(data) <= _PIECE:
            self._feed(data)
            return
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return
            self._feed(data[start : start + _PIECE])

    def on_response_complete(self) -> None:
        """Called at the end of an answer. As uvicorn's, without its timer for each: `Connections` ends idle ones."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def on_headers_complete(self) -> None:
        """Called by the parser. Begins the request's task, so that it is too late to refuse afterwards."""
        if len(self.headers) > MOST_HEADERS:
            raise _HeadTooLarge
        super().on_headers_complete()
        if len(self.pipeline) > MOST_PIPELINED:
            raise _PipelineFull

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._has_body_moved = True
        super().on_body(body)

    def stage(self) -> tuple[Stage, object]:
        """See `Connection`."""
        cycle = self.cycle
        if self.transport.is_closing():
            return "closing", None
        if self.scope is None:
            return "opening", None
        if cycle is None or cycle.scope is not self.scope:
            return "head", self.scope
        if cycle.more_body:
            return "body", self.scope
        return ("idle" if cycle.response_complete else "answer"), self.scope

    def give_up(self, stage: Stage) -> None:
        """See `Connection`."""
        if stage == "head":
            self._refuse(problems.head_too_slow())
        elif stage in ("answer", "closing"):
            self.transport.abort()
        else:
            self.transport.close()

    def _feed(self, data: bytes) -> None:
        self._has_body_moved = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _PipelineFull):
                self._end_full_pipeline()
                return
            is_too_large = isinstance(error.__context__, _HeadTooLarge)
            self._refuse(_head_too_large() if is_too_large else problems.bad_http())
            return
        cycle = self.cycle
        if not self.pipeline and cycle is not None and not cycle.more_body and cycle.scope is self.scope:
            # A whole request, and nothing behind it.
            return
        if self._is_pipeline_too_large():
            self._end_full_pipeline()
        elif len(self.headers or ()) > MOST_HEADERS or self._is_too_much_unfinished(len(data)):
            self._refuse(_head_too_large())

    def _is_too_much_unfinished(self, size: int) -> bool:
        cycle = self.cycle
        is_head_complete = cycle is not None and cycle.scope is self.scope
        if is_head_complete and (self._has_body_moved or not cycle.more_body):
            self._unfinished = 0
            return False
        self._unfinished = self._unfinished + size if self.scope is self._parsed_scope else size
        self._parsed_scope = self.scope
        return self._unfinished > MOST_HEAD_BYTES

    def _is_pipeline_too_large(self) -> bool:
        return sum(len(cycle.body) for cycle, _ in self.pipeline) > _MOST_PIPELINED_BYTES

    def _end_full_pipeline(self) -> None:
        """An answer now would be taken for that of the request before. Whoever sends so much asks again."""
        self.transport.close()

    def _should_upgrade(self) -> bool:
        """Asked by uvicorn, which leaves such a request to us then: the parser has thrown its body away."""
        return True

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Another protocol was asked for, which a server may ignore: the request is parsed again without that."""
        if self.scope["method"] == "CONNECT":
            self._refuse(problems.bad_http())
            return
        version = self.scope["http_version"].encode()
        lines = [b"%s %s HTTP/%s" % (self.scope["method"].encode(), self.url, version)]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn does: what is pipelined behind a request that closes the connection is no error.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def _refuse(self, problem: Problem) -> None:
        """Answers what the parser is reading, unless an earlier request, or this one, is being answered already."""
        cycle = self.cycle
        is_answered = cycle is not None and not cycle.response_complete and not cycle.more_body
        if not (is_answered or self.pipeline or (cycle is not None and cycle.response_started and cycle.more_body)):
            self.transport.write(_raw_answer(problem))
            self._limits.on_refused(problem)
        self.transport.close()


def _head_too_large() -> Problem:
    return problems.head_too_large(MOST_HEADERS, MOST_HEAD_BYTES)


def _raw_answer(problem: Problem) -> bytes:
    content = msgspec.json.encode(problem_document(problem, "/"))
    lines = (
        f"HTTP/1.1 {problem.status} {problem.title}",
        f"content-type: {problems.CONTENT_TYPE}",
        f"content-length: {len(content)}",
        "connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
