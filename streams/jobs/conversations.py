"""The table `conversations`: the head of each lead, and each kept message once, of which several agents know."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import msgspec

from events.messages import Message
from streams.jobs.conversation import Head, capped, with_message
from streams.jobs.requests import asks_for_work
from workers.partition_table import Writes

_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(Head)
_message_decoder = msgspec.json.Decoder(Message)


class Table(Protocol):
    """See `workers.partition_table.PartitionTable`."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...
    async def write(self, writes: Writes) -> None: ...


class Conversations:
    """All leads of this process's partitions."""

    def __init__(self, table: Table) -> None:
        self._table = table
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

    def open(self, partition: int) -> "PartitionConversations":
        """One partition, as it is folded by now. Only who is `changing` may put something."""
        return PartitionConversations(self._table, partition, self._pending.setdefault(partition, {}))

    async def write(self, writes: Writes) -> None:
        """Remember."""
        await self._table.write(writes)


class PartitionConversations:
    """The leads of one partition, with what was changed but not written yet."""

    def __init__(self, table: Table, partition: int, writes: dict[bytes, bytes | None]) -> None:
        self._table = table
        self._partition = partition
        self._writes = writes

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
        return [found for ref in head.refs if (found := self.message(lead_id, ref[2])) is not None]

    def add(self, lead_id: str, head: Head, message: Message) -> Head:
        """Keep a message. What becomes too old is forgotten, but for messages the lead has jobs for: those need it."""
        after, dropped = with_message(head, message)
        self._writes[_message_key(lead_id, message.message_id)] = _encoder.encode(capped(message))
        for id_ in dropped:
            old = self.message(lead_id, id_)
            if old is not None and not (asks_for_work(old) and old.lead_id == lead_id):
                self._writes[_message_key(lead_id, id_)] = None
        return after

    def _get(self, key: bytes) -> bytes | None:
        if key in self._writes:
            return self._writes[key]
        return self._table.get(self._partition, key)


def _head_key(lead_id: str) -> bytes:
    return f"h\x1f{lead_id}".encode()


def _message_key(lead_id: str, message_id: str) -> bytes:
    return f"m\x1f{lead_id}\x1f{message_id}".encode()


def conversation_of(view: PartitionConversations, lead_id: str, head: Head, own: Message) -> tuple[Message, ...]:
    """The newest messages of a lead with this one among them, each once, oldest first."""
    messages: dict[str, Any] = {message.message_id: message for message in (*view.messages(lead_id, head), own)}
    return tuple(sorted(messages.values(), key=lambda m: (m.sent_at, m.received_at, m.message_id)))
