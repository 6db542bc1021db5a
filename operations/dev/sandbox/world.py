"""The outside world of one run: all providers behind one server, what they know, and what goes wrong with them."""

import asyncio
import email
import email.policy
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headrace.events.providers import PROVIDERS
from headrace.providers.registry import ADAPTERS
from headrace.workspaces.services import SERVICES
from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox import sockets
from operations.dev.sandbox.asked import Answered, Asked, Complaint, StandIn
from operations.dev.sandbox.contract import Content, contract_of
from operations.dev.sandbox.echoes import Echoes
from operations.dev.sandbox.script import Rule, Script
from operations.dev.sandbox.store import Store, Stored

#: The prefix of each one's paths on this server.
NAMES = (*(name for name in PROVIDERS if ADAPTERS[name].api is not None), "slack", *SERVICES)
#: What keeps the work from being done, whatever the answer then is.
_BEFORE = frozenset({"error_before", "reset_before", "close_before", "silence_before"})
#: Routes that are proven by what their body or address holds.
_OPEN = frozenset({"token", "response"})
_PAGE = Answered(status=200, body="<html>Please log in to the wifi</html>")


class World:
    """`ingest_url` gets the webhooks; `workspaces` say whose keys are whose, and how webhooks are proven."""

    def __init__(self, ingest_url: str | None = None, workspaces: Iterable[Workspace] = (), seed: int = 0) -> None:
        self.store = Store()
        self.script = Script(seed)
        self.echoes = Echoes(ingest_url)
        #: Seconds every answer takes.
        self.delay = 0.0
        self.stand_ins: dict[str, StandIn] = {
            name: import_module(f"operations.dev.sandbox.providers.{name}").STAND_IN for name in NAMES
        }
        self._workspaces: dict[str, Workspace] = {}
        self._owners: dict[tuple[str, str], Workspace] = {}
        self.know(*workspaces)

    def know(self, *workspaces: Workspace) -> None:
        """Their keys are let in, and no other; their webhooks can be proven."""
        for workspace in workspaces:
            self._workspaces[workspace.id] = workspace
            apis = {name: account.api for name, account in workspace.providers.items()} | dict(workspace.services)
            for name, api in apis.items():
                for key in api.secrets.values() if api else ():
                    self._owners[name, key] = workspace
                    self.store.keys.setdefault(name, set()).add(key)

    def workspace(self, id_: str) -> Workspace | None:
        """A workspace by its id."""
        return self._workspaces.get(id_)

    def workspace_of(self, provider: str, key: str) -> Workspace | None:
        """Whose key it is; the only workspace there is, for keys that were handed out here."""
        only = next(iter(self._workspaces.values())) if len(self._workspaces) == 1 else None
        return self._owners.get((provider, key), only)

    async def answer(self, request: Request) -> Response:
        """Any request to any provider."""
        provider = request.path_params["provider"]
        stand_in = self.stand_ins.get(provider)
        if stand_in is None:
            return Response("no such provider", 404)
        raw = await request.body()
        query, headers = dict(request.query_params), {k.lower(): v for k, v in request.headers.items()}
        path = "/" + request.path_params["path"]
        found = contract_of(provider).find(request.method, path)
        key = stand_in.key_of(headers, query)
        stored = self.store.keep(
            provider=provider, route=found[0] if found else "", method=request.method, path=path, query=query,
            body=raw.decode("utf-8", "replace"), caller=key,
        )  # fmt: skip
        rule = self.script.rule_for(provider, stored.route, f"{path} {query} {stored.body}")
        stored.fault = rule.fault if rule else ""
        return await self._with_fault(request, stand_in, stored, found, headers, raw, rule)

    async def _with_fault(
        self,
        request: Request,
        stand_in: StandIn,
        stored: Stored,
        found: tuple[str, dict[str, str]] | None,
        headers: Mapping[str, str],
        raw: bytes,
        rule: Rule | None,
    ) -> Response:
        await asyncio.sleep(self.delay)
        early = _instead(stand_in, rule)
        url = f"{request.url.scheme}://{request.url.netloc}/{stand_in.name}"
        answered = early or self._work(stand_in, stored, found, headers, raw, rule, url)
        stored.status = answered.status
        response = _response(answered)
        return await _broken(request, response, rule) if rule else response

    def _work(
        self,
        stand_in: StandIn,
        stored: Stored,
        found: tuple[str, dict[str, str]] | None,
        headers: Mapping[str, str],
        raw: bytes,
        rule: Rule | None,
        url: str,
    ) -> Answered:
        """What the provider does with a request that nothing kept from it."""
        if found is None:
            return stand_in.refusal(404, "", "Not found")
        name, at = found
        if name not in _OPEN and not self._is_let_in(stand_in.name, stored.caller):
            return stand_in.refusal(401, "", "Invalid token: access token is invalid")
        contract = contract_of(stand_in.name)
        left, wait = self.store.spend(stand_in.name, stored.caller, name, contract.limits)
        limits = stand_in.limit_headers(left, wait)
        if wait > 0:
            refused = stand_in.refusal(429, "", "Too many requests")
            return msgspec.structs.replace(refused, headers=limits)
        try:
            body = _body(raw, headers.get("content-type", ""), contract.routes[name].content)
        except ValueError:
            return stand_in.invalid(["body: could not be read"])
        stored.complaints = contract.complaints(name, headers, stored.query, body)
        if stored.complaints:
            return stand_in.invalid(stored.complaints)
        owner = self.workspace_of(stand_in.name, stored.caller)
        account = owner.providers.get(stand_in.name) if owner else None
        asked = Asked(
            number=stored.number, route=name, at=at, query=stored.query, headers=headers, body=body or {},
            key=stored.caller, accounts=account.accounts if account else {}, url=url,
        )  # fmt: skip
        return self._done(stand_in, asked, stored, rule, owner, limits)

    def _is_let_in(self, provider: str, key: str) -> bool:
        known = self.store.keys.get(provider)
        return bool(key) and (known is None or key in known)

    def _done(
        self,
        stand_in: StandIn,
        asked: Asked,
        stored: Stored,
        rule: Rule | None,
        owner: Workspace | None,
        limits: Mapping[str, str],
    ) -> Answered:
        try:
            answered = stand_in.work[asked.route](asked, self.store)
        except Complaint as complaint:
            return stand_in.refusal(complaint.status, complaint.kind, complaint.message)
        stored.done = True
        fault = rule.fault if rule else ""
        if rule and fault == "lag" and answered.sent is not None:
            answered.sent.visible_at += timedelta(seconds=rule.seconds)
        if owner is not None and fault != "no_echo":
            for echo in answered.echoes:
                self.echoes.send(stand_in.prove(echo, owner), 2 if fault == "echo_twice" else 1)
        if fault == "without_id" and answered.sent is not None:
            return msgspec.structs.replace(answered, body={})
        if rule and fault == "error_after":
            return stand_in.refusal(rule.status, "", "Something went wrong")
        return msgspec.structs.replace(answered, headers={**limits, **answered.headers})


def _instead(stand_in: StandIn, rule: Rule | None) -> Answered | None:
    """The answer of a fault that keeps the work from being done; None when it is done."""
    if rule is None:
        return None
    if rule.fault in _BEFORE:
        return stand_in.refusal(rule.status, "", "Something went wrong")
    limited = stand_in.refusal(429, "", "Too many requests")
    return {
        "rate_limited": msgspec.structs.replace(limited, headers={"Retry-After": str(int(rule.seconds))}),
        "rate_limited_bare": msgspec.structs.replace(limited, body=_without_retry(limited.body)),
        "unauthorised": stand_in.refusal(401, "", "Invalid token: access token is invalid"),
        "error_inside": msgspec.structs.replace(stand_in.refusal(400, "", "Something was wrong"), status=200),
        "page": _PAGE,
    }.get(rule.fault)


def _without_retry(body: Any) -> Any:
    """One provider says in its body, too, when to come back."""
    if not isinstance(body, dict):
        return body
    return {name: _without_retry(value) for name, value in body.items() if name != "retry_after"}


async def _broken(request: Request, response: Response, rule: Rule) -> Response:
    """How the answer gets through, or does not."""
    match rule.fault:
        case "reset_before" | "reset_after":
            sockets.reset(request)
        case "close_before" | "close_after":
            sockets.close(request)
        case "silence_before" | "silence_after":
            await asyncio.sleep(rule.seconds)
            sockets.close(request)
        case "half_answer":
            head = f"HTTP/1.1 {response.status_code} X\r\ncontent-length: {len(response.body) + 1}\r\n\r\n"
            sockets.write(request, head.encode() + bytes(response.body[: len(response.body) // 2]))
            sockets.close(request)
        case "slow":
            await asyncio.sleep(rule.seconds)
        case "twice":
            head = f"HTTP/1.1 {response.status_code} X\r\ncontent-length: {len(response.body)}\r\n\r\n"
            sockets.write(request, head.encode() + bytes(response.body))
    return response


def _response(answered: Answered) -> Response:
    headers = dict(answered.headers)
    if isinstance(answered.body, str):
        return Response(answered.body, answered.status, headers, media_type="text/html")
    body = msgspec.json.encode(answered.body)
    return Response(body, answered.status, headers, media_type="application/json")


def _body(raw: bytes, kind: str, wanted: Content) -> Any:
    """The body as its route takes it. Raises ValueError for one in another form."""
    if wanted == "none_or_empty" and not raw.strip():
        return None
    if not raw:
        return None
    match wanted:
        case "form" if "x-www-form-urlencoded" in kind:
            return dict(parse_qsl(raw.decode()))
        case "multipart" if "multipart/form-data" in kind:
            return _multipart(raw, kind)
        case "json" | "none_or_empty" if "json" in kind:
            return msgspec.json.decode(raw)
    raise ValueError(f"not {wanted}")


def _multipart(raw: bytes, kind: str) -> dict[str, str]:
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw, policy=email.policy.HTTP)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        fields[str(name)] = payload.decode() if isinstance(payload, bytes) else ""
    return fields
