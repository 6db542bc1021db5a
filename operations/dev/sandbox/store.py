"""What the sandbox knows and has done: every request with its number, and what came of it. Its clock is its own."""

import itertools
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from operations.dev.sandbox.contract import Bound


class Stored(msgspec.Struct, kw_only=True):
    """A request as it came. `number` grows by one with each, whatever became of it."""

    number: int
    at: datetime
    provider: str
    #: Empty for a path that no contract has.
    route: str
    method: str
    path: str
    query: dict[str, str]
    body: str
    #: Who asked: stands for the key.
    caller: str
    fault: str = ""
    status: int = 0
    #: What was not as documented.
    complaints: list[str] = []
    #: The work was done.
    done: bool = False


class Message(msgspec.Struct, kw_only=True):
    """A message in a thread. Outbound ones came by a request, inbound ones by a test."""

    id: str
    provider: str
    direction: Literal["inbound", "outbound"]
    #: The mailbox, location or account.
    account: str
    thread: str
    #: The other side: contact, member or address.
    person: str
    text: str
    html: str = ""
    subject: str = ""
    at: datetime
    #: Look-ups don't show it before.
    visible_at: datetime
    request: int = 0
    #: The provider's other ids of it and of what it belongs to.
    ids: dict[str, str] = {}


class Appointment(msgspec.Struct, kw_only=True):
    """A booked meeting."""

    id: str
    provider: str
    calendar: str
    person: str
    start: datetime
    end: datetime
    status: str = "confirmed"
    request: int = 0
    visible_at: datetime


class OverLimit(msgspec.Struct, kw_only=True):
    """How often an account went over a limit."""

    provider: str
    caller: str
    times: int


class Store:
    """In memory: a run's world ends with its server."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1)
        self._ahead = timedelta()
        self.requests: list[Stored] = []
        self.messages: list[Message] = []
        self._by_id: dict[tuple[str, str], Message] = {}
        self._by_thread: dict[tuple[str, str], list[Message]] = defaultdict(list)
        self.appointments: dict[str, Appointment] = {}
        #: (provider, kind, value) → since when: `dnd`, `unsubscribed`, `blocked`.
        self.suppressed: dict[tuple[str, str, str], datetime] = {}
        self.tags: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.labels: dict[tuple[str, str], str] = {}
        self.paused: dict[tuple[str, str], datetime] = {}
        #: Unipile's accounts that are not OK: state and since when, for what they still show is older.
        self.account_states: dict[str, tuple[str, datetime]] = {}
        #: Slack: (channel, ts) → the card as it stands.
        self.cards: dict[tuple[str, str], dict[str, Any]] = {}
        #: Calendar → free times.
        self.slots: dict[str, list[datetime]] = {}
        #: Provider → keys that are let in; a provider that is not here lets in every key.
        self.keys: dict[str, set[str]] = {}
        #: Location → the pair that counts, and the tokens that were replaced.
        self.token_pairs: dict[str, dict[str, Any]] = {}
        #: (provider, caller) → limits of its own; others have the contract's.
        self.bounds: dict[tuple[str, str], tuple[Bound, ...]] = {}
        self._calls: dict[tuple[str, str, Bound], deque[float]] = defaultdict(deque)
        self.over_limit: dict[tuple[str, str], int] = defaultdict(int)

    def now(self) -> datetime:
        """The sandbox's own clock."""
        return datetime.now(UTC) + self._ahead

    def move_clock(self, seconds: float) -> None:
        """Ahead of the machine's, or behind it."""
        self._ahead = timedelta(seconds=seconds)

    def set_account(self, account: str, state: str) -> None:
        """One that is not OK shows only what it knew until now."""
        if state == "OK":
            self.account_states.pop(account, None)
        else:
            self.account_states[account] = (state, self.now())

    def forget(self) -> None:
        """All that was asked and done; clock, keys and limits stay. Numbers go on."""
        for kept in (
            self.requests, self.messages, self._by_thread,
            self._by_id, self.appointments, self.suppressed, self.tags, self.labels,
            self.paused, self.account_states, self.cards, self._calls, self.over_limit,
        ):  # fmt: skip
            kept.clear()

    def keep(self, **fields: Any) -> Stored:
        """A request gets its number and is kept."""
        stored = Stored(number=next(self._numbers), at=self.now(), **fields)
        self.requests.append(stored)
        return stored

    def new_id(self, prefix: str) -> str:
        """An id nothing else has."""
        return f"{prefix}{next(self._ids):06d}"

    def add(self, message: Message) -> Message:
        """A message joins its thread."""
        self.messages.append(message)
        self._by_thread[message.provider, message.thread].append(message)
        for known_by in (message.id, message.ids.get("stats_id", message.id)):
            self._by_id.setdefault((message.provider, known_by), message)
        return message

    def thread(self, provider: str, thread: str) -> Iterator[Message]:
        """What look-ups show of a thread now, oldest first."""
        now = self.now()
        return (one for one in self._by_thread[provider, thread] if one.visible_at <= now)

    def visible(self, provider: str) -> Iterator[Message]:
        """What look-ups show of a provider now, oldest first."""
        now = self.now()
        return (one for one in self.messages if one.provider == provider and one.visible_at <= now)

    def find(self, provider: str, id_: str) -> Message | None:
        """A message by its id, or by the id answers name it by; what was answered, for instance."""
        return self._by_id.get((provider, id_))

    def sends(self) -> dict[tuple[str, str, str], int]:
        """How often each text went into each thread: more than once is what must never be."""
        counts: dict[tuple[str, str, str], int] = defaultdict(int)
        for one in self.messages:
            if one.direction == "outbound":
                counts[one.provider, one.thread, one.text] += 1
        return counts

    def spend(self, provider: str, caller: str, route: str, bounds: tuple[Bound, ...]) -> tuple[int | None, float]:
        """Counts a call. What is left of the narrowest limit, and seconds until it may go on; 0 when it may now."""
        now = time.monotonic() + self._ahead.total_seconds()
        own = [bound for bound in self.bounds.get((provider, caller), bounds) if route in (bound.routes or (route,))]
        windows = [self._window(provider, caller, bound, now) for bound in own]
        wait = max((w[0] + b.seconds - now for w, b in zip(windows, own, strict=True) if len(w) >= b.calls), default=0)
        if wait > 0:
            self.over_limit[provider, caller] += 1
            return 0, wait
        for window in windows:
            window.append(now)
        return min((b.calls - len(w) for w, b in zip(windows, own, strict=True)), default=None), 0.0

    def _window(self, provider: str, caller: str, bound: Bound, now: float) -> deque[float]:
        window = self._calls[provider, caller, bound]
        while window and window[0] <= now - bound.seconds:
            window.popleft()
        return window
