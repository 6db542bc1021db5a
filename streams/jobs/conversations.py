"""The table `conversations`: the head of each lead, and each kept message once, of which several agents know.

A lead's newest messages are kept for ever: whatever it writes next is read with them. One that newer ones displace is
forgotten, at once or, if it asked for work, when nobody can ask for that any more: then its jobs need it as input.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec

from events.conversations import ConversationMoved
from events.messages import Message
from streams.jobs.conversation import Head, capped, with_message, with_moved
from streams.jobs.requests import asks_for_work
from workers.partition_table import PartitionTable, Writes

#: Messages looked at with one batch of the log: keeps the work of each batch small.
FORGOTTEN_AT_ONCE = 200
_DISPLACED = b"f\x1f"
_DAY_MS = 86_400_000
_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(Head)
_message_decoder = msgspec.json.Decoder(Message)


class Conversations:
    """All leads of this process's partitions."""

    def __init__(self, table: PartitionTable, memory_days: int = 30) -> None:
        self._table = table
        #: How long a displaced message is kept at least, if it asked for work.
        self._memory_ms = memory_days * _DAY_MS
        #: Held by an agent from its first read to the end of its write: three agents change the same heads.
        self.changing = asyncio.Lock()

    def open(self, partition: int, writes: Writes | None = None, at_ms: int = 0) -> "PartitionConversations":
        """One partition; what is put goes to `writes`, where later reads find it. `at_ms`: now, by the log's clock."""
        entries = {} if writes is None else writes.setdefault(partition, {})
        return PartitionConversations(self._table, partition, entries, at_ms + self._memory_ms)

    def forget_due(self, partition: int, writes: Writes, at_ms: int, needs: Callable[[int, Message], bool]) -> None:
        """Forget some of the displaced messages whose time has come; those that jobs still need come up again later."""
        view = self.open(partition, writes, at_ms)
        for key, _ in islice(self._table.scan(partition, _DISPLACED), FORGOTTEN_AT_ONCE):
            due_ms, message_id = key.removeprefix(_DISPLACED).decode().split("\x1f")
            if int(due_ms) > at_ms:
                return
            message = view.message(message_id)
            view.forget(key, message_id, later=message is not None and needs(partition, message))

    async def write(self, writes: Writes) -> None:
        """Remember."""
        await self._table.write(writes)


class PartitionConversations:
    """The leads of one partition, with what was changed but not written yet."""

    def __init__(
        self, table: PartitionTable, partition: int, writes: dict[bytes, bytes | None], forgets_at_ms: int
    ) -> None:
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

    def message(self, message_id: str) -> Message | None:
        """A kept message."""
        value = self._get(_message_key(message_id))
        return None if value is None else _message_decoder.decode(value)

    def messages(self, head: Head) -> list[Message]:
        """The messages of a head, oldest first."""
        return [found for ref in head.refs if (found := self.message(ref[2])) is not None]

    def add(self, head: Head, message: Message) -> Head:
        """Keep a message. What becomes too old is forgotten; if it has jobs, only when they can't need it any more."""
        after, dropped = with_message(head, message)
        self._writes[_message_key(message.message_id)] = _encoder.encode(capped(message))
        for id_ in dropped:
            old = self.message(id_)
            if old is not None and not asks_for_work(old):
                self._writes[_message_key(id_)] = None
            elif old is not None:
                self._writes[_displaced_key(self._forgets_at_ms, id_)] = b"1"
        return after

    def is_beyond_memory(self, now: datetime) -> bool:
        """True when what was displaced at the log's time would be forgotten by now."""
        return self._forgets_at_ms < now.timestamp() * 1000

    def forget(self, displaced: bytes, message_id: str, *, later: bool) -> None:
        """Forget a displaced message, or only note that it is to be looked at again."""
        self._writes[displaced] = None
        if later:
            self._writes[_displaced_key(self._forgets_at_ms, message_id)] = b"1"
        else:
            self._writes[_message_key(message_id)] = None

    def absorb(self, event: ConversationMoved) -> None:
        """Take in what was known of a lead that was merged into this one."""
        head = with_moved(self.head(event.lead_id), event)
        for message in event.messages:
            head = self.add(head, message)
        self.put_head(event.lead_id, head)

    def _get(self, key: bytes) -> bytes | None:
        if key in self._writes:
            return self._writes[key]
        return self._table.get(self._partition, key)


def _head_key(lead_id: str) -> bytes:
    return f"h\x1f{lead_id}".encode()


def _message_key(message_id: str) -> bytes:
    return f"m\x1f{message_id}".encode()


def _displaced_key(at_ms: int, message_id: str) -> bytes:
    """In the order of time, so that the first ones are due first."""
    return _DISPLACED + f"{at_ms:014d}\x1f{message_id}".encode()


def conversation_of(view: PartitionConversations, head: Head, own: Message) -> tuple[Message, ...]:
    """The newest messages of a lead with this one among them, each once, oldest first."""
    messages: dict[str, Any] = {message.message_id: message for message in (*view.messages(head), own)}
    return tuple(sorted(messages.values(), key=lambda m: (m.sent_at, m.received_at, m.message_id)))
