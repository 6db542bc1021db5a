"""The outside as tests of clients have it: the sandbox, a workspace whose keys it knows, and the real clients."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from headrace.events.inbox import Address, Channel
from headrace.providers.registry import ADAPTERS
from headrace.workspaces.api_credentials import ApiCredentials
from headrace.workspaces.directory import Directory
from headrace.workspaces.document import parse_workspaces
from operations.dev.sandbox.server import serving
from operations.dev.sandbox.store import Message
from operations.dev.sandbox.world import World
from streams.effects.clients.calling import Caller
from streams.effects.clients.concerned import Concerned
from streams.effects.clients.protocol import ProviderClient
from streams.effects.clients.registry import provider_clients
from streams.effects.clients.reply import Reply
from streams.effects.outcome import LookUp, Outcome

WORKSPACE = """
workspace: acme
name: Acme
timezone: UTC
providers:
  ghl: {{location_id: L1, secret: hook-1, api: {{private_integration_token: key-ghl, base_url: "{base}/ghl"}}}}
  unipile: {{account_id: acc_1, secret: hook-2, api: {{api_key: key-unipile, base_url: "{base}/unipile"}}}}
  smartlead: {{secret: hook-3, api: {{api_key: key-smartlead, base_url: "{base}/smartlead"}}}}
  instantly: {{workspace_id: W1, secret: hook-4, api: {{api_key: key-instantly, base_url: "{base}/instantly"}}}}
  emailbison: {{workspace_id: "12", secret: hook-5, api: {{api_key: key-bison, base_url: "{base}/emailbison"}}}}
services:
  calendly: {{api: {{api_key: key-calendly, event_type: "https://api.calendly.com/event_types/E1",
                     user: "https://api.calendly.com/users/U1", base_url: "{base}/calendly", signing_key: sign}}}}
"""
TEXT = "Thursday at 10 works.\n\nShall I send “the” invitation to pat@lead.example?"
LEAD = "pat@lead.example"
#: What the adapters keep of the message that is answered, and the sandbox's own record of that message.
ANSWERED: Mapping[str, tuple[dict[str, str], dict[str, Any]]] = {
    "ghl": (
        {"contactId": "C1", "locationId": "L1"},
        {"id": "in-1", "thread": "C1", "person": "C1", "ids": {"conversationId": "conv-C1", "channel": "SMS"}},
    ),
    "unipile": (
        {"chat_id": "chat-1", "account_id": "acc_1"},
        {"id": "in-2", "thread": "chat-1", "person": "ACoAA1", "account": "acc_1"},
    ),
    "smartlead": (
        {"campaign_id": "4410", "stats_id": "st-1", "message_id": "<in-3@mx>"},
        {
            "id": "in-3", "thread": f"4410:{LEAD}", "person": LEAD, "account": "kim@sender.example",
            "ids": {"campaign_id": "4410", "stats_id": "st-1", "lead_email": LEAD, "lead_id": "77"},
        },
    ),
    "instantly": (
        {"reply_to_uuid": "in-4", "eaccount": "sam@sender.example"},
        {
            "id": "in-4", "thread": "th-1", "person": LEAD, "account": "sam@sender.example",
            "ids": {"campaign_id": "c-12", "lead_email": LEAD},
        },
    ),
    "emailbison": (
        {"reply_id": "990012", "sender_email_id": "7"},
        {
            "id": "990012", "thread": f"88:{LEAD}", "person": LEAD, "account": "jo@sender.example",
            "ids": {"campaign_id": "88", "lead_id": "5021", "lead_email": LEAD},
        },
    ),
}  # fmt: skip
CHANNELS: Mapping[str, Channel] = {"ghl": "sms", "unipile": "linkedin"}


@dataclass(kw_only=True)
class Outside:
    """Everything a test of clients needs."""

    world: World
    base: str
    directory: Directory
    clients: Mapping[str, ProviderClient]
    caller: Caller

    def credentials(self, provider: str) -> ApiCredentials:
        found = self.directory.api("acme", provider)
        assert found is not None
        return found

    def reply(self, provider: str, text: str = TEXT, **changes: Any) -> Reply:
        context, _ = ANSWERED[provider]
        mail: dict[str, Any] = (
            {} if provider in CHANNELS else {"to": Address(address=LEAD, name="Pat"), "subject": "Re: idea"}
        )
        reply = Reply(
            action_id="a-1", workspace="acme", provider=provider, channel=CHANNELS.get(provider, "email"),
            account=None, context=context, lead_email=None if provider in CHANNELS else LEAD, text=text,
            text_sha256=hashlib.sha256(text.encode()).hexdigest(), claimed_at=self.world.store.now(), **mail,
        )  # fmt: skip
        return msgspec.structs.replace(reply, **changes)

    async def send(self, reply: Reply, deadline: float = 5.0) -> Outcome:
        return await self.clients[reply.provider].send_reply(reply, self.credentials(reply.provider), deadline)

    async def find(self, reply: Reply, deadline: float = 5.0) -> LookUp:
        return await self.clients[reply.provider].find_reply(reply, self.credentials(reply.provider), deadline)

    def concerned(self, provider: str) -> Concerned:
        context, known = ANSWERED[provider]
        person = {"ghl": "C1", "emailbison": "5021"}.get(provider)
        email = None if provider in CHANNELS else LEAD
        campaign = known.get("ids", {}).get("campaign_id")
        return Concerned(
            action_id="a-2", workspace="acme", provider=provider, person_id=person, email=email, context=context,
            campaign_id=campaign,
        )  # fmt: skip

    def sent(self, provider: str) -> list[Message]:
        return [one for one in self.world.store.messages if (one.provider, one.direction) == (provider, "outbound")]

    def somebody_sends(self, provider: str, text: str, at: datetime, **changes: Any) -> Message:
        """A person of the workspace writes in the provider's own app."""
        _, known = ANSWERED[provider]
        fields = {"account": "", "subject": "Re: idea", **known, "id": self.world.store.new_id("800"), **changes}
        message = Message(provider=provider, direction="outbound", text=text, at=at, visible_at=at, **fields)
        return self.world.store.add(message)


@asynccontextmanager
async def outside_world() -> AsyncIterator[Outside]:
    """The sandbox on a port of its own, in which each provider's lead has written once."""
    world = World()
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(serving(world))
        (workspace,) = parse_workspaces(WORKSPACE.format(base=base), "acme.yaml", ADAPTERS)
        world.know(workspace)
        now = world.store.now()
        for provider, (_, known) in ANSWERED.items():
            fields = {"account": "", "subject": "idea", "ids": {}, **known}
            world.store.add(
                Message(provider=provider, direction="inbound", text="When?", at=now, visible_at=now, **fields)
            )
        caller = Caller()
        stack.push_async_callback(caller.aclose)
        yield Outside(
            world=world,
            base=base,
            directory=Directory([workspace]),
            clients=provider_clients(caller),
            caller=caller,
        )
