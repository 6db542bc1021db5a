"""What tests and people tell the sandbox, and ask it: scripts, clock, limits, and all that it has seen."""

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace.providers.registry import ADAPTERS
from headrace.workspaces.document import parse_workspaces
from operations.dev.sandbox.asked import Echo
from operations.dev.sandbox.contract import Bound
from operations.dev.sandbox.script import Rule
from operations.dev.sandbox.store import Message
from operations.dev.sandbox.world import World


class Changes(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What PATCH /control may change; what is absent stays."""

    delay: float | None = None
    #: Seconds ahead of the machine's clock.
    clock: float | None = None
    echo_delay: float | None = None
    echo: bool | None = None
    ingest_url: str | None = None
    #: Unipile's accounts: `OK`, `CREDENTIALS`, `STOPPED` …
    accounts: dict[str, str] = {}
    #: Provider → keys that are let in from now on, instead of those before.
    keys: dict[str, list[str]] = {}
    #: Calendar or event type → free times.
    slots: dict[str, list[datetime]] = {}
    #: Provider → contacts that must not be written to.
    dnd: dict[str, list[str]] = {}
    #: Location → its refresh token, which counts once.
    refresh_tokens: dict[str, str] = {}
    limits: list["OwnLimit"] = []


class OwnLimit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One account's limit instead of those of the contract; 0 calls: none at all."""

    provider: str
    key: str
    calls: int
    seconds: float = 60.0
    routes: tuple[str, ...] = ()


class Inbound(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A message of a lead, so that answers to it find its thread; `webhook` is posted to ingest as it is."""

    provider: str
    id: str
    account: str = ""
    thread: str
    person: str
    text: str = ""
    subject: str = ""
    ids: dict[str, str] = {}
    webhook: dict[str, Any] | None = None
    workspace: str = ""


class Press(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Somebody presses a button of a card."""

    workspace: str
    signing_secret: str
    action_id: str
    value: str
    channel: str = ""
    ts: str = ""
    user: str = "U-sandbox"
    path: str = "/slack/interactions"


class Control:
    """The routes under /control."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/control", self.state, methods=["GET", "PATCH", "DELETE"]),
            Route("/control/rules", self.rules, methods=["GET", "POST", "DELETE"]),
            Route("/control/requests", self.requests),
            Route("/control/messages", self.messages),
            Route("/control/doubles", self.doubles),
            Route("/control/appointments", self.appointments),
            Route("/control/suppressed", self.suppressed),
            Route("/control/inbound", self.inbound, methods=["POST"]),
            Route("/control/press", self.press, methods=["POST"]),
            Route("/control/workspaces", self.workspaces, methods=["POST"]),
        ]

    async def state(self, request: Request) -> Response:
        """GET tells the state, PATCH changes it, DELETE forgets what was seen, done and scripted."""
        if request.method == "PATCH":
            self._change(msgspec.json.decode(await request.body(), type=Changes))
        elif request.method == "DELETE":
            self._world.store.forget()
            self._world.script.clear()
        store, echoes = self._world.store, self._world.echoes
        return _json(
            {
                "requests": len(store.requests),
                "refused": sum(bool(one.complaints) for one in store.requests),
                "sent": sum(store.sends().values()),
                "doubles": sum(count - 1 for count in store.sends().values()),
                "over_limit": sum(store.over_limit.values()),
                "rules": len(self._world.script.rules),
                "echoes": {"sent": echoes.sent, "failed": echoes.failed},
                "now": store.now(),
            }
        )

    async def rules(self, request: Request) -> Response:
        """POST adds a list of rules, DELETE forgets all, GET shows those that are left."""
        if request.method == "POST":
            self._world.script.add(*msgspec.json.decode(await request.body(), type=list[Rule]))
        elif request.method == "DELETE":
            self._world.script.clear()
        return _json(self._world.script.rules)

    async def requests(self, request: Request) -> Response:
        """Those after the number `since`, of a `provider` if given."""
        since, provider = int(request.query_params.get("since", "0")), request.query_params.get("provider")
        return _json([o for o in self._world.store.requests if o.number > since and provider in (None, o.provider)])

    async def messages(self, request: Request) -> Response:
        """All outbound ones, of a `provider`, `thread` or `person` if given."""
        asked = request.query_params
        return _json(
            [
                one
                for one in self._world.store.messages
                if one.direction == "outbound"
                and all(getattr(one, name) == asked[name] for name in ("provider", "thread", "person") if name in asked)
            ]
        )

    async def doubles(self, _request: Request) -> Response:
        """Equal texts in one thread, with how often: empty, or something was sent twice."""
        sends = self._world.store.sends()
        return _json(
            [
                {"provider": provider, "thread": thread, "text": text, "count": count}
                for (provider, thread, text), count in sends.items()
                if count > 1
            ]
        )

    async def appointments(self, _request: Request) -> Response:
        """All that were booked."""
        return _json(list(self._world.store.appointments.values()))

    async def suppressed(self, _request: Request) -> Response:
        """Who must not be written to, as the providers have it."""
        return _json(
            [
                {"provider": provider, "kind": kind, "value": value, "since": since}
                for (provider, kind, value), since in self._world.store.suppressed.items()
            ]
        )

    async def inbound(self, request: Request) -> Response:
        """A lead writes."""
        asked = msgspec.json.decode(await request.body(), type=Inbound)
        now = self._world.store.now()
        self._world.store.add(
            Message(
                id=asked.id, provider=asked.provider, direction="inbound", account=asked.account, thread=asked.thread,
                person=asked.person, text=asked.text, subject=asked.subject, at=now, visible_at=now, ids=asked.ids,
            )
        )  # fmt: skip
        workspace = self._world.workspace(asked.workspace)
        if asked.webhook is not None and workspace is not None:
            stand_in = self._world.stand_ins[asked.provider]
            self._world.echoes.send(stand_in.prove(Echo(body=asked.webhook), workspace))
        return _json({"id": asked.id})

    async def press(self, request: Request) -> Response:
        """Signed as Slack does; the answer is ingest's status."""
        asked = msgspec.json.decode(await request.body(), type=Press)
        status = await self._world.echoes.press(asked.path, asked.workspace, asked.signing_secret, _payload(asked))
        return _json({"status": status})

    async def workspaces(self, request: Request) -> Response:
        """YAML, as for `headrace workspace apply`."""
        found = parse_workspaces((await request.body()).decode(), "body", ADAPTERS)
        self._world.know(*found)
        return _json([one.id for one in found])

    def _change(self, changes: Changes) -> None:
        world, store = self._world, self._world.store
        world.delay = world.delay if changes.delay is None else changes.delay
        world.echoes.delay = world.echoes.delay if changes.echo_delay is None else changes.echo_delay
        world.echoes.is_on = world.echoes.is_on if changes.echo is None else changes.echo
        world.echoes.ingest_url = changes.ingest_url or world.echoes.ingest_url
        if changes.clock is not None:
            store.move_clock(changes.clock)
        for account, state in changes.accounts.items():
            store.set_account(account, state)
        store.keys |= {provider: set(keys) for provider, keys in changes.keys.items()}
        store.slots |= changes.slots
        for provider, contacts in changes.dnd.items():
            store.suppressed |= {(provider, "dnd", contact): store.now() for contact in contacts}
        for location, token in changes.refresh_tokens.items():
            store.token_pairs[location] = {"access_token": "", "refresh_token": token}
        for own in changes.limits:
            bound = Bound(calls=own.calls, seconds=own.seconds, routes=own.routes)
            store.bounds[own.provider, own.key] = (bound,) if own.calls else ()


def _payload(asked: Press) -> dict[str, Any]:
    """`block_actions`, as far as it is documented and used."""
    return {
        "type": "block_actions",
        "user": {"id": asked.user, "name": asked.user},
        "channel": {"id": asked.channel},
        "message": {"ts": asked.ts},
        "container": {"type": "message", "message_ts": asked.ts, "channel_id": asked.channel},
        "trigger_id": "sandbox",
        "actions": [{"type": "button", "action_id": asked.action_id, "value": asked.value, "action_ts": asked.ts}],
    }


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
