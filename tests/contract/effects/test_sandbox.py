"""The sandbox is as strict as the documents, keeps every request, and tells of sends as the providers do."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as Http
from starlette.responses import Response
from starlette.routing import Route

from headrace.events.ids import conversation_id
from headrace.events.providers import PROVIDERS
from headrace.providers.adapter import Credentials, Receipt, Request
from headrace.providers.proofs import is_proven
from headrace.providers.registry import ADAPTERS
from operations.dev.sandbox.contract import contract_of
from operations.dev.sandbox.script import Rule
from operations.dev.sandbox.server import application
from operations.dev.sandbox.world import NAMES, World
from tests.outside import LEAD, TEXT, Outside

#: The key, as each one wants to see it.
HEADERS: Mapping[str, dict[str, str]] = {
    "ghl": {"authorization": "Bearer key-ghl", "version": "2021-04-15"},
    "unipile": {"x-api-key": "key-unipile"},
    "smartlead": {},
    "instantly": {"authorization": "Bearer key-instantly"},
    "emailbison": {"authorization": "Bearer key-bison"},
    "slack": {"authorization": "Bearer xoxb-1"},
    "calendly": {"authorization": "Bearer key-calendly"},
}
SENDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ghl": ("/conversations/messages", {"type": "SMS", "contactId": "C1", "message": "hi"}),
    "smartlead": ("/campaigns/4410/reply-email-thread", {"email_stats_id": "st-1", "email_body": "hi"}),
    "instantly": (
        "/emails/reply",
        {"eaccount": "a@b.example", "reply_to_uuid": "in-4", "subject": "x", "body": {"text": "hi"}},
    ),
    "emailbison": (
        "/replies/990012/reply",
        {"message": "hi", "sender_email_id": 7, "to_emails": [{"email_address": LEAD}]},
    ),
    "slack": ("/api/chat.postMessage", {"channel": "C9", "text": "hi"}),
    "calendly": (
        "/invitees",
        {"event_type": "https://x/e", "start_time": "2030-01-01T10:00:00Z", "invitee": {"name": "P", "email": LEAD}},
    ),
}


async def ask(outside: Outside, provider: str, path: str, body: Any, **headers: str) -> httpx.Response:
    query = {"api_key": "key-smartlead"} if provider == "smartlead" else {}
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"{outside.base}/{provider}{path}"
        return await http.post(url, params=query, json=body, headers={**HEADERS[provider], **headers})


@pytest.mark.parametrize("name", NAMES)
def test_every_documented_route_is_served_and_no_other(name: str) -> None:
    assert set(World().stand_ins[name].work) == set(contract_of(name).routes)


@pytest.mark.parametrize("provider", SENDS)
async def test_a_documented_request_is_taken(outside: Outside, provider: str) -> None:
    path, body = SENDS[provider]
    outside.world.store.slots["https://x/e"] = [datetime(2030, 1, 1, 10, tzinfo=UTC)]
    answer = await ask(outside, provider, path, body)
    assert answer.is_success
    assert outside.world.store.requests[-1].done


@pytest.mark.parametrize("provider", SENDS)
async def test_an_unknown_field_is_refused_in_the_providers_own_shape(outside: Outside, provider: str) -> None:
    path, body = SENDS[provider]
    answer = await ask(outside, provider, path, {**body, "stats_id": "origin's own"})
    (stored,) = outside.world.store.requests
    assert (len(stored.complaints), stored.done) == (1, False)
    assert "stats_id" in answer.text
    shapes = {
        "ghl": (422, {"statusCode", "message", "error"}),
        "smartlead": (400, {"error"}),
        "instantly": (400, {"statusCode", "error", "message"}),
        "emailbison": (422, {"message", "errors"}),
        "slack": (200, {"ok", "error", "response_metadata"}),
        "calendly": (400, {"title", "message", "details"}),
    }
    assert (answer.status_code, set(answer.json())) == shapes[provider]


@pytest.mark.parametrize("provider", SENDS)
async def test_every_required_field_is_required(outside: Outside, provider: str) -> None:
    path, body = SENDS[provider]
    for field in body:
        await ask(outside, provider, path, {name: value for name, value in body.items() if name != field})
    optional = {"slack": 0}.get(provider, 0)
    assert [one.done for one in outside.world.store.requests] == [False] * (len(body) - optional)


async def test_a_body_of_another_type_is_refused(outside: Outside) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"{outside.base}/unipile/api/v1/chats/chat-1/messages"
        answer = await http.post(url, json={"text": "hi"}, headers=HEADERS["unipile"])
    assert (answer.status_code, answer.json()["type"]) == (400, "errors/invalid_parameters")


async def test_a_key_of_nobody_is_refused(outside: Outside) -> None:
    path, body = SENDS["ghl"]
    answer = await ask(outside, "ghl", path, body, authorization="Bearer stranger")
    assert (answer.status_code, outside.sent("ghl")) == (401, [])


async def test_requests_are_numbered_and_kept_whole_whatever_became_of_them(outside: Outside) -> None:
    await ask(outside, "ghl", "/no/such/route", {"a": 1})
    await ask(outside, "ghl", *SENDS["ghl"])
    await ask(outside, "ghl", *SENDS["ghl"], version="1999")
    kept = outside.world.store.requests
    assert [(one.number, one.route, one.done, one.status) for one in kept] == [
        (1, "", False, 404),
        (2, "send", True, 201),
        (3, "send", False, 422),
    ]
    assert json.loads(kept[1].body) == SENDS["ghl"][1]


async def test_equal_bodies_in_a_thread_are_counted(outside: Outside) -> None:
    for _ in range(3):
        await ask(outside, "ghl", *SENDS["ghl"])
    async with httpx.AsyncClient(trust_env=False) as http:
        doubles = (await http.get(f"{outside.base}/control/doubles")).json()
        state = (await http.get(f"{outside.base}/control")).json()
    assert doubles == [{"provider": "ghl", "thread": "C1", "text": "hi", "count": 3}]
    assert (state["sent"], state["doubles"]) == (3, 2)


async def test_an_accounts_own_limit_is_kept_and_going_over_it_is_counted(outside: Outside) -> None:
    limit = {"limits": [{"provider": "ghl", "key": "key-ghl", "calls": 2, "seconds": 60}]}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.patch(f"{outside.base}/control", json=limit)).is_success
        answers = [await ask(outside, "ghl", *SENDS["ghl"]) for _ in range(4)]
        state = (await http.get(f"{outside.base}/control")).json()
    assert [one.status_code for one in answers] == [201, 201, 429, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61
    assert state["over_limit"] == 2


async def test_a_script_is_followed_in_order_and_used_up(outside: Outside) -> None:
    rules = [
        {"fault": "rate_limited", "provider": "ghl", "times": 1, "seconds": 3},
        {"fault": "error_after", "provider": "ghl", "times": 1, "after": 1, "status": 502},
    ]
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{outside.base}/control/rules", json=rules)).is_success
    codes = [(await ask(outside, "ghl", *SENDS["ghl"])).status_code for _ in range(4)]
    assert codes == [429, 201, 502, 201]
    assert len(outside.sent("ghl")) == 3


async def test_a_rule_with_a_word_nobody_knows_is_refused(outside: Outside) -> None:
    with pytest.raises(Exception, match="unknown field"):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application(outside.world))) as http:
            await http.post("http://x/control/rules", json=[{"fault": "rate_limited", "often": 3}])


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[Request]]]:
    """Stands in for ingest, and keeps what comes."""
    came: list[Request] = []

    async def take(request: Http) -> Response:
        body = await request.body()
        query = dict(request.query_params)
        came.append(Request(body=body, headers=dict(request.headers), query=query, payload=json.loads(body)))
        # The first delivery of all is refused: providers come again.
        return Response(status_code=503 if len(came) == 1 else 200)

    app = Starlette(routes=[Route("/webhooks/{provider}", take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", came
    server.should_exit = True
    await task


async def until(count: int, came: list[Request]) -> None:
    async with asyncio.timeout(10):
        while len(came) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_sent_comes_back_as_the_providers_webhook_with_the_workspaces_proof(
    outside: Outside, provider: str
) -> None:
    async with listening() as (url, came):
        outside.world.echoes.ingest_url = url
        await outside.send(outside.reply(provider))
        await until(2, came)
    assert came[0].body == came[1].body
    adapter, (echo, _) = ADAPTERS[provider], came
    secret = outside.directory.secrets(provider)
    assert is_proven(adapter.proofs, echo, Credentials(secrets=secret))
    assert not is_proven(adapter.proofs, echo, Credentials(secrets=("another",)))
    assert echo.query["workspace"] == "acme"
    assert echo.payload is not None
    hints = {(hint.field, hint.value) for hint in adapter.workspace_hints(echo.payload)}
    assert {value for _, value in hints} <= {"L1", "acc_1", "W1", "12"}
    (message,) = outside.sent(provider)
    now = outside.world.store.now()
    receipt = Receipt(receipt_id="r", workspace="acme", dedupe_key="k", received_at=now, timezone="UTC", query={})
    facts = adapter.normalise(echo.payload, receipt).facts
    if provider == "unipile":
        assert echo.payload["message_id"] == message.id
        return
    (fact,) = facts
    assert (fact.direction, fact.text.split()) == ("outbound", TEXT.split())  # type: ignore[union-attr]
    threads = {
        "ghl": "C1",
        "smartlead": f"4410:{LEAD}",
        "instantly": f"c-12:{LEAD}",
        "emailbison": "88:5021",
    }
    assert fact.conversation_id == conversation_id("acme", provider, threads[provider])  # type: ignore[union-attr]


async def test_echoes_can_be_late_doubled_or_missing(outside: Outside) -> None:

    async with listening() as (url, came):
        outside.world.echoes.ingest_url = url
        outside.world.script.add(
            Rule(fault="no_echo", route="send", times=1), Rule(fault="echo_twice", route="send", times=1)
        )
        await outside.send(outside.reply("ghl"))
        await outside.send(outside.reply("ghl", text="second"))
        await until(3, came)
        await asyncio.sleep(0.2)
    assert {json.loads(one.body)["body"] for one in came} == {"second"}


async def test_the_clock_is_the_sandboxs_own(outside: Outside) -> None:
    outside.world.store.move_clock(3_600)
    await ask(outside, "ghl", *SENDS["ghl"])
    (message,) = outside.sent("ghl")
    assert (message.at - datetime.now(UTC)).total_seconds() > 3_500


async def test_a_press_comes_signed_as_slack_signs(outside: Outside) -> None:
    came: list[tuple[dict[str, str], bytes]] = []

    async def take(request: Http) -> Response:
        came.append((dict(request.headers), await request.body()))
        return Response()

    transport = httpx.ASGITransport(Starlette(routes=[Route("/slack/interactions", take, methods=["POST"])]))
    outside.world.echoes.ingest_url = "http://ingest"
    outside.world.echoes._http = httpx.AsyncClient(transport=transport)
    press = {
        "workspace": "acme",
        "signing_secret": "shh",
        "action_id": "draft_approve",
        "value": "d-1",
        "ts": "1.000001",
    }
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{outside.base}/control/press", json=press)
    assert answer.json() == {"status": 200}
    ((headers, body),) = came
    signed = b"v0:" + headers["x-slack-request-timestamp"].encode() + b":" + body
    assert headers["x-slack-signature"] == "v0=" + hmac.new(b"shh", signed, hashlib.sha256).hexdigest()
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    assert (payload["type"], payload["actions"][0]["value"]) == ("block_actions", "d-1")


async def test_cards_turn_into_their_outcome_and_errors_are_yesses(outside: Outside) -> None:
    posted = (await ask(outside, "slack", *SENDS["slack"])).json()
    changed = {"channel": "C9", "ts": posted["ts"], "text": "approved"}
    assert (await ask(outside, "slack", "/api/chat.update", changed)).json()["ok"] is True
    assert outside.world.store.cards["C9", posted["ts"]]["text"] == "approved"
    missing = await ask(outside, "slack", "/api/chat.update", {**changed, "ts": "1.000000"})
    assert (missing.status_code, missing.json()) == (200, {"ok": False, "error": "message_not_found"})


async def test_a_refresh_token_counts_once_and_its_access_token_is_let_in(outside: Outside) -> None:
    fields = {"client_id": "app", "client_secret": "s", "grant_type": "refresh_token", "refresh_token": "refresh-0"}
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.patch(f"{outside.base}/control", json={"refresh_tokens": {"L1": "refresh-0"}})
        url = f"{outside.base}/ghl/oauth/token"
        first, second = await http.post(url, data=fields), await http.post(url, data=fields)
        unknown = await http.post(url, data={**fields, "scope": "all"})
    assert [first.status_code, second.status_code, unknown.status_code] == [200, 400, 422]
    assert first.json()["expires_in"] == 86_399
    sent = await ask(outside, "ghl", *SENDS["ghl"], authorization=f"Bearer {first.json()['access_token']}")
    assert sent.is_success
