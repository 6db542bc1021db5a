"""The open connections of an ingest process: how many there may be, and how long each may keep us waiting.

Looked at once a second, because a timer for each would cost every webhook.
"""

import asyncio
from collections.abc import Callable
from heapq import nsmallest
from typing import Literal, Protocol

from ingest.problems import Problem

#: What a connection waits for: its first request, the rest of a head, the rest of a body, our answer, the next
#: request, or its own end.
Stage = Literal["opening", "head", "body", "answer", "idle", "closing"]

_LOOK_SECONDS = 1.0
#: Seconds in one stage. Bodies have a limit of their own, which is shorter and answered; answers take at most five
#: seconds, so that one which takes longer isn't being read. Providers keep connections open between webhooks: a new TLS
#: handshake behind a proxy costs more than an idle socket.
_LONGEST: dict[Stage, float] = {
    "opening": 10.0,
    "head": 10.0,
    "body": 30.0,
    "answer": 30.0,
    "idle": 65.0,
    "closing": 5.0,
}
#: In these the sender has the next word; the others end by themselves within seconds.
_SENDERS_TURN: tuple[Stage, ...] = ("opening", "head", "body", "idle")
#: Closed at once for one that would be too many, so that the look at all of them is paid once for many.
_ROOM_SHARE = 0.05


class Connection(Protocol):
    """One of them."""

    def stage(self) -> tuple[Stage, object]:
        """The stage, and something that is another object with each request."""

    def give_up(self, stage: Stage) -> None:
        """Close it."""


class _Look:
    """What was last seen of a connection."""

    __slots__ = ("request", "since", "stage")

    def __init__(self, stage: Stage, request: object, since: float) -> None:
        self.stage: Stage = stage
        #: Kept, so that no other object can have its identity.
        self.request = request
        self.since = since


class Connections:
    """Ends what keeps us waiting for too long, and when there are too many, what has waited for longest."""

    def __init__(
        self,
        most: int,
        on_given_up: Callable[[Stage], None],
        on_refused: Callable[[Problem], None] = lambda _problem: None,
    ) -> None:
        """`on_given_up` is told of each connection that was closed for its sender's sake.

        `on_refused`: of each answer to what was no request yet.
        """
        self._most = most
        self.on_refused = on_refused
        self._on_given_up = on_given_up
        self._seen: dict[Connection, _Look] = {}
        self._next_look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """One more. Those whose turn it is to write have to go first when there are too many.

        When all of them are being answered none has to: that ends within seconds.
        """
        now = loop.time()
        if len(self._seen) >= self._most:
            self._make_room(now)
        self._seen[connection] = _Look(*connection.stage(), now)
        if self._next_look is None:
            self._next_look = loop.call_later(_LOOK_SECONDS, self._look, loop)

    def discard(self, connection: Connection) -> None:
        """It is closed."""
        self._seen.pop(connection, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection, seen in list(self._seen.items()):
            self._update(connection, seen, now)
            longest = _LONGEST.get(seen.stage)
            if longest is not None and now - seen.since >= longest:
                self._give_up(connection, seen)
        self._next_look = loop.call_later(_LOOK_SECONDS, self._look, loop) if self._seen else None

    def _make_room(self, now: float) -> None:
        for connection, seen in self._seen.items():
            self._update(connection, seen, now)
        waiting = [(connection, seen) for connection, seen in self._seen.items() if seen.stage in _SENDERS_TURN]
        most = max(1, int(self._most * _ROOM_SHARE))
        for connection, seen in nsmallest(most, waiting, key=lambda pair: pair[1].since):
            self._give_up(connection, seen)
            del self._seen[connection]

    def _update(self, connection: Connection, seen: _Look, now: float) -> None:
        stage, request = connection.stage()
        if stage != seen.stage or request is not seen.request:
            seen.stage, seen.request, seen.since = stage, request, now

    def _give_up(self, connection: Connection, seen: _Look) -> None:
        connection.give_up(seen.stage)
        self._on_given_up(seen.stage)
