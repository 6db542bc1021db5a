"""A model server that remembers which request it answered when, so that a test can say what nobody wrote down."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from operations.dev.sandbox.ai_server import Sandbox

#: Between an answer that left the server and the record of what it cost, seconds: a worker killed then can't tell.
_WRITING_SECONDS = 3.0


class MeteredModel(Sandbox):
    """The sandbox's model, with a meter."""

    def __init__(self, delay: float) -> None:
        super().__init__(delay=delay)
        #: Where it answers, once it is served.
        self.url = ""
        #: Request id → when it came and when it was answered; None until then.
        self.requests: dict[str, tuple[float, float | None]] = {}
        self._kills: list[tuple[float, float]] = []

    async def complete(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        began = time.monotonic()
        try:
            response = await super().complete(request)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody is there to be told, or to pay
        name = response.headers.get("x-request-id", "")
        self.requests[name] = (began, time.monotonic())
        return response

    @contextmanager
    def nobody_listens(self) -> Iterator[None]:
        """A worker is killed within the block: what it was just told is lost with it."""
        began = time.monotonic()
        yield
        self._kills.append((began, time.monotonic()))

    def unseen(self, recorded: set[str]) -> list[str]:
        """Answered requests without a record, but for those that a kill can explain."""
        return [name for name in self.requests if name not in recorded and not self._is_excused(name)]

    def _is_excused(self, name: str) -> bool:
        began, answered = self.requests[name]
        ended = answered if answered is not None else time.monotonic()
        return any(began <= killed[1] and killed[0] <= ended + _WRITING_SECONDS for killed in self._kills)
