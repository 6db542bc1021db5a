"""A provider that never gives up: distinct webhooks at a steady rate, each delivered one to five times at once."""

import asyncio
import itertools
from dataclasses import dataclass, field

import httpx

#: The first is delivered once, the next twice … and each delivery is retried until it is accepted.
MOST_DELIVERIES = 5
#: Every so manyth message is from somebody who wants no more of them.
QUITS_EVERY = 25


@dataclass
class Traffic:
    """Posts to one ingest until stopped. What was answered 200 is remembered for the reckoning."""

    ingest_url: str
    per_second: int
    #: Receipt ids that were answered 200.
    accepted: list[str] = field(default_factory=list)
    #: The provider's ids of all messages that were answered 200 at least once.
    messages: set[str] = field(default_factory=set)
    #: Answers other than 200, by status (0: no answer).
    refused: dict[int, int] = field(default_factory=dict)
    _stopping: bool = False

    async def run(self) -> None:
        """Post until `stop`, then finish what was begun."""
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=32)
        client = httpx.AsyncClient(timeout=10, limits=limits, trust_env=False)
        async with client, asyncio.TaskGroup() as group:
            for number in itertools.count():
                if self._stopping:
                    return
                deliveries = 1 + number % MOST_DELIVERIES
                kind = "q" if number % QUITS_EVERY == QUITS_EVERY - 1 else "m"
                group.create_task(self._deliver(client, f"{kind}-{number:07d}", deliveries))
                await asyncio.sleep(1 / self.per_second)

    def stop(self) -> None:
        """Begin no new webhook."""
        self._stopping = True

    async def deliver_one(self, name: str) -> None:
        """One webhook, retried until it is accepted."""
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            await self._deliver(client, name, deliveries=1)

    async def _deliver(self, client: httpx.AsyncClient, message: str, deliveries: int) -> None:
        await asyncio.gather(*(self._until_accepted(client, message) for _ in range(deliveries)))

    async def _until_accepted(self, client: httpx.AsyncClient, message: str) -> None:
        while True:
            status, receipt = await self._post(client, message)
            if status == httpx.codes.OK:
                self.accepted.append(receipt)
                self.messages.add(message)
                return
            self.refused[status] = self.refused.get(status, 0) + 1
            await asyncio.sleep(0.5)

    async def _post(self, client: httpx.AsyncClient, message: str) -> tuple[int, str]:
        try:
            response = await client.post(
                f"{self.ingest_url}/webhooks/unipile",
                headers={"x-unipile-secret": "unipile-secret"},
                json=unipile_message(message),
            )
        except httpx.TransportError:
            return 0, ""
        return response.status_code, response.json().get("receipt_id", "")


def unipile_message(message: str) -> dict[str, object]:
    """A LinkedIn message: `m-` from one of a hundred people who are interested, `q-` from one of forty who are not."""
    kind, _, number = message.rpartition("-")
    is_quit = kind == "q"
    person = f"quitter-{int(number) // QUITS_EVERY % 40}" if is_quit else f"person-{int(number) % 100}"
    interested = f"I'm interested in a call about {message}. Can you send me some times for next week?"
    return {
        "event": "message.received",
        "account_id": "acc_5f",
        "message": {
            "id": message,
            "chat_id": f"chat-{person}",
            "text": f"Please stop messaging me and remove me from your list ({message})." if is_quit else interested,
            "sender_id": person,
            "sender_name": "Ivo Lund",
            "timestamp": "2026-03-02T10:22:05Z",
        },
    }
