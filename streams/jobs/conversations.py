"""The table `conversations`: the head of each lead, and each kept message once, of which several agents know."""

import asyncio
from typing import Any

import msgspec

from events.conversations import ConversationMoved
from events.messages import Message
from streams.jobs.conversation import Head, capped, with_message, with_moved
from streams.jobs.requests import asks_for_work
from workers.partition_table import PartitionTable, Writes

_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(Head)
_message_decoder = msgspec.json.Decoder(Message)


class Conversations:
    """All leads of this process's partitions."""

    def __init__(self, table: PartitionTable) -> None:
        self._table = table
        #: Held by an agent from its first read to the end of its write: three agents change the same heads.
        self.changing = asyncio.Lock()

    def open(self, partition: int, writes: Writes | None = None) -> "PartitionConversations":
        """One partition; what is put goes to `writes`, where later reads find it."""
        entries = {} if writes is None else writes.setdefault(partition, {})
        return PartitionConversations(self._table, partition, entries)

    async def write(self, writes: Writes) -> None:
        """Remember."""
        await self._table.write(writes)


class PartitionConversations:
    """The leads of one partition, with what was changed but not written yet."""

    def __init__(self, table: PartitionTable, partition: int, writes: dict[bytes, bytes | None]) -> None:
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

    def message(self, message_id: str) -> Message | None:
        """A kept message."""
        value = self._get(_message_key(message_id))
        return None if value is None else _message_decoder.decode(value)

    def messages(self, head: Head) -> list[Message]:
        """The messages of a head, oldest first."""
        return [found for ref in head.refs if (found := self.message(ref[2])) is not None]

    def add(self, head: Head, message: Message) -> Head:
        """Keep a message. What becomes too old is forgotten, but for messages that have jobs: those still need it."""
        after, dropped = with_message(head, message)
        self._writes[_message_key(message.message_id)] = _encoder.encode(capped(message))
        for id_ in dropped:
            old = self.message(id_)
            if old is not None and not asks_for_work(old):
                self._writes[_message_key(id_)] = None
        return after

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


def conversation_of(view: PartitionConversations, head: Head, own: Message) -> tuple[Message, ...]:
    """The newest messages of a lead with this one among them, each once, oldest first."""
    messages: dict[str, Any] = {message.message_id: message for message in (*view.messages(head), own)}
    return tuple(sorted(messages.values(), key=lambda m: (m.sent_at, m.received_at, m.message_id)))
