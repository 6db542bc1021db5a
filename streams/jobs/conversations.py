"""The table `conversations`: the head of each lead, and the messages and splits it knows of, as several agents fold it.

A lead's newest messages are kept for ever: whatever it writes next is read with them. One that newer ones displace is
forgotten, at once or, if it asked for work, when nobody can ask for that any more: then its jobs need it as input.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Protocol

import msgspec

from headrace.events.messages import LeadSplit, Message
from headrace.events.records import Record
from headrace.kafka.faust.keyed_agent import Derive, Turn
from headrace.kafka.faust.partition_table import Writes
from streams.jobs.conversation import Head, capped, with_message
from streams.jobs.requests import asks_for_work

#: Messages looked at with one batch of the log: keeps the work of each batch small.
FORGOTTEN_AT_ONCE = 200
_DISPLACED = b"f\x1f"
_DAY_MS = 86_400_000
_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(Head)
_message_decoder = msgspec.json.Decoder(Message)
_split_decoder = msgspec.json.Decoder(LeadSplit)


class Table(Protocol):
    """See `headrace.kafka.faust.partition_table.PartitionTable`."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...
    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]: ...
    async def write(self, writes: Writes) -> None: ...


class Conversations:
    """All leads of this process's partitions."""

    def __init__(self, table: Table, memory_days: int = 30) -> None:
        self._table = table
        #: How long a displaced message is kept at least, if it asked for work.
        self._memory_ms = memory_days * _DAY_MS
        self._changing = asyncio.Lock()
        #: What an agent has folded and not yet remembered.
        self._pending: Writes = {}

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Writes]:
        """Held by an agent from its first read to the end of its write: three agents change the same heads.

        What is put into the writes is what everybody reads from then on: nothing may be concluded from a state that
        is about to be overwritten while an agent waits for its acks.
        """
        async with self._changing:
            self._pending = {}
            try:
                yield self._pending
            finally:
                self._pending = {}

    def open(self, partition: int, at_ms: int = 0) -> "PartitionConversations":
        """One partition, for whoever is `changing` it. `at_ms`: now, by the log's clock."""
        entries = self._pending.setdefault(partition, {})
        return PartitionConversations(self._table, partition, entries, at_ms + self._memory_ms)

    def read(self, partition: int) -> "PartitionConversations":
        """One partition as it is folded by now, to read."""
        return PartitionConversations(self._table, partition, self._pending.get(partition, {}), self._memory_ms)

    def forget_due(self, partition: int, at_ms: int, needs: Callable[[int, Message], bool]) -> None:
        """Forget some of the displaced messages whose time has come; those that jobs still need come up again later."""
        view = self.open(partition, at_ms)
        for key, _ in islice(self._table.scan(partition, _DISPLACED), FORGOTTEN_AT_ONCE):
            due_ms, lead_id, message_id = key.removeprefix(_DISPLACED).decode().split("\x1f")
            if int(due_ms) > at_ms:
                return
            message = view.message(lead_id, message_id)
            view.forget(key, lead_id, message_id, later=message is not None and needs(partition, message))

    @asynccontextmanager
    async def turn(self, open_: Callable[[int, list[Record]], Derive]) -> AsyncIterator[Turn]:
        """An agent's turn in which nobody else changes conversations: see `KeyedAgent`."""
        async with self.changing() as writes:
            yield Turn(open_, partial(self.write, writes))

    async def write(self, writes: Writes) -> None:
        """Remember."""
        await self._table.write(writes)


class PartitionConversations:
    """The leads of one partition, with what was changed but not written yet."""

    def __init__(self, table: Table, partition: int, writes: dict[bytes, bytes | None], forgets_at_ms: int) -> None:
        self._table = table
        self._partition = partition
        self._writes = writes
        self._forgets_at_ms = forgets_at_ms

    def head(self, lead_id: str) -> Head:
        """What is known of the lead; an empty head for a new one."""
        value = self._get(_head_key(lead_id))
        return Head() if value is None else _head_decoder.decode(value)

    def put_head(self, lead_id: str, head: Head) -> None:
        """Remember the head."""
        self._writes[_head_key(lead_id)] = _encoder.encode(head)

    def message(self, lead_id: str, message_id: str) -> Message | None:
        """A kept message of a lead."""
        value = self._get(_message_key(lead_id, message_id))
        return None if value is None else _message_decoder.decode(value)

    def messages(self, lead_id: str, head: Head) -> list[Message]:
        """The messages of a lead, oldest first."""
        return [message for ref in head.refs if (message := self.message(lead_id, ref[2])) is not None]

    def add(self, lead_id: str, head: Head, message: Message) -> Head:
        """Keep a message. What becomes too old is set aside."""
        after, dropped = with_message(head, message)
        self._writes[_message_key(lead_id, message.message_id)] = _encoder.encode(capped(message))
        for id_ in dropped:
            old = self.message(lead_id, id_)
            if old is not None:
                self.set_aside(lead_id, old)
        return after

    def set_aside(self, lead_id: str, message: Message) -> None:
        """Forget a message that is in no conversation; if the lead has jobs for it, only when they can't need it."""
        key = _message_key(lead_id, message.message_id)
        if asks_for_work(message) and message.lead_id == lead_id:
            self._writes[key] = _encoder.encode(capped(message))
            self._writes[_displaced_key(self._forgets_at_ms, lead_id, message.message_id)] = b"1"
        else:
            self._writes[key] = None

    def is_beyond_memory(self, now: datetime) -> bool:
        """True when what was displaced at the log's time would be forgotten by now."""
        return self._forgets_at_ms < now.timestamp() * 1000

    def forget(self, displaced: bytes, lead_id: str, message_id: str, *, later: bool) -> None:
        """Forget a displaced message, or only note that it is to be looked at again."""
        self._writes[displaced] = None
        if later:
            self._writes[_displaced_key(self._forgets_at_ms, lead_id, message_id)] = b"1"
        else:
            self._writes[_message_key(lead_id, message_id)] = None

    def split(self, lead_id: str, new_lead_id: str) -> LeadSplit | None:
        """How the other lead was taken out of this one, or of one it lives on as."""
        value = self._get(_split_key(lead_id, new_lead_id))
        return None if value is None else _split_decoder.decode(value)

    def put_split(self, lead_id: str, split: LeadSplit) -> None:
        """Remember which messages are no longer the lead's."""
        self._writes[_split_key(lead_id, split.new_lead_id)] = _encoder.encode(split)

    def _get(self, key: bytes) -> bytes | None:
        if key in self._writes:
            return self._writes[key]
        return self._table.get(self._partition, key)


def _head_key(lead_id: str) -> bytes:
    return f"h\x1f{lead_id}".encode()


def _message_key(lead_id: str, message_id: str) -> bytes:
    return f"m\x1f{lead_id}\x1f{message_id}".encode()


def _split_key(lead_id: str, new_lead_id: str) -> bytes:
    return f"s\x1f{lead_id}\x1f{new_lead_id}".encode()


def _displaced_key(at_ms: int, lead_id: str, message_id: str) -> bytes:
    """In the order of time, so that the first ones are due first."""
    return _DISPLACED + f"{at_ms:014d}\x1f{lead_id}\x1f{message_id}".encode()


def conversation_of(view: PartitionConversations, lead_id: str, head: Head, own: Message) -> tuple[Message, ...]:
    """The newest messages of a lead with this one among them, each once, oldest first."""
    messages: dict[str, Any] = {message.message_id: message for message in (*view.messages(lead_id, head), own)}
    return tuple(sorted(messages.values(), key=lambda m: (m.sent_at, m.received_at, m.message_id)))
