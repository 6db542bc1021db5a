"""The hot path: one POST becomes one record, or one problem.

A plain ASGI endpoint: request and response objects, and validation models, would cost more than the work itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from headrace.events.topics import WEBHOOKS_BULK, WEBHOOKS_QUARANTINE, Topic, reply_topic
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.providers.adapter import Adapter, Payload, Request
from headrace.providers.payload import UnreadableBody, read_payload
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.follow import WorkspaceFollower
from headrace.workspaces.naming import named_workspace
from headrace.workspaces.workspace import ProviderAccount, Workspace
from ingest import problems
from ingest.admission import InstallationKeys, accepts_content, read_query, without_secrets
from ingest.body import BodyReader, BodyTooLarge, BodyTooSlow, ClientGone, TooManyBodies
from ingest.gate import Gate, GateFull
from ingest.latency import UNMATCHED
from ingest.metrics import IngestMetrics
from ingest.problems import Problem, send_json, send_problem
from ingest.publisher import KafkaAway, Publisher
from ingest.refusals import RefusalRecorder, RefusedBecause
from ingest.senders import KnownSenders
from ingest.tracing import continued
from ingest.unproven import named_in_query, why_unproven

ALLOWED = "GET, HEAD, POST"

UNKNOWN_WORKSPACE = "unknown workspace"
UNREADABLE_BODY = "unreadable body"
#: Up to this many bytes a body is read at once: it takes less time than handing it to a thread and back.
_LARGE_BYTES = 65_536
#: A defect of ours: the body is kept, so that a corrected adapter can read it.
ADAPTER_FAILED = "adapter failed"

log = structlog.get_logger()

#: Bytes of a query that is read only to learn whom a refused request names.
_LONGEST_LOOKED_AT = 2_048

T = TypeVar("T")


class Unproven(Problem):
    """401, with what tells the operator why."""

    def __init__(self, request: Request, directory: Directory) -> None:
        problem = problems.unproven()
        super().__init__(problem.status, problem.slug, problem.title, problem.detail, problem.headers)
        self.request = request
        self.directory = directory


@dataclass(frozen=True, kw_only=True)
class IngestContext:
    """What every webhook route shares. Clock, ids and randomness are arguments, so that tests can fix them."""

    settings: Settings
    publisher: Publisher
    follower: WorkspaceFollower
    bodies: BodyReader
    metrics: IngestMetrics
    refusals: RefusalRecorder
    keys: InstallationKeys
    clock: Callable[[], datetime]
    new_receipt_id: Callable[[], str]
    random_bytes: Callable[[int], bytes]
    #: See `WebhookReceiver._gate`.
    strangers_gate: Gate
    #: One thread: several that read large bodies would leave the event loop a fraction of the interpreter.
    beside: Executor


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    topic: Topic
    key: str
    workspace: Workspace | None = None
    quarantine_reason: str = ""


def _quarantined(receipt_id: str, reason: str, workspace: Workspace | None = None) -> _Record:
    return _Record(topic=WEBHOOKS_QUARANTINE, key=receipt_id, workspace=workspace, quarantine_reason=reason)


def _with_payload(request: Request) -> Request:
    try:
        payload = read_payload(request.body)
    except UnreadableBody:
        return request
    return Request(body=request.body, headers=request.headers, query=request.query, payload=payload)


class WebhookReceiver:
    """Receives the webhooks of one provider."""

    def __init__(self, adapter: Adapter, context: IngestContext) -> None:
        self._adapter = adapter
        self._context = context
        self._senders = KnownSenders(adapter, context.keys, context.clock)
        self._limit = context.settings.body_limit
        self._publisher = context.publisher
        self._topics = {
            topic: context.settings.topic(topic)
            for topic in (reply_topic(adapter.name), WEBHOOKS_BULK, WEBHOOKS_QUARANTINE)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: POST stores, GET says that the route is up."""
        try:
            await self._answer(scope, receive, send)
        except Problem as problem:
            await send_problem(problem, scope["path"], send)
            # After the answer, whose time then tells a stranger nothing.
            self._note(problem, scope)
        except ClientGone:
            return
        except Exception:
            # A defect of ours. The server logs what is raised, but would answer in plain text.
            await send_problem(problems.internal_error(), scope["path"], send)
            raise

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "POST":
            await send_json(200, await self._receive(scope, receive), send)
        elif method in ("GET", "HEAD"):
            await send_json(200, {"status": "ok", "provider": self._adapter.name}, send, body=method == "GET")
        else:
            raise problems.method_not_allowed(ALLOWED)

    async def _receive(self, scope: Scope, receive: Receive) -> dict[str, str]:
        """The answer to a webhook that is stored."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = self._query(headers, scope["query_string"])
        body = await self._body(headers, receive)
        try:
            return await self._accept(Request(body=body, headers=headers, query=query, payload=None), _route(scope))
        finally:
            self._context.bodies.release(body)

    def _query(self, headers: dict[str, str], query_string: bytes) -> dict[str, str]:
        if not accepts_content(headers):
            raise problems.unsupported_media()
        try:
            return read_query(query_string)
        except ValueError:
            raise problems.bad_query() from None

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        try:
            return await self._context.bodies.read(headers, receive)
        except BodyTooLarge:
            raise problems.body_too_large(self._limit) from None
        except BodyTooSlow:
            raise problems.body_too_slow() from None
        except TooManyBodies:
            raise self._unavailable("too many bodies", is_read=False) from None

    async def _accept(self, request: Request, route: str) -> dict[str, str]:
        directory = self._context.follower.directory
        if not self._context.follower.loaded.is_set():
            raise problems.unavailable(self._adapter.unavailable_status)
        receipt_id = self._context.new_receipt_id()
        record = None
        is_known = self._is_known(request, directory)
        if is_known or self._senders.must_be_read(directory):
            is_small = len(request.body) <= _LARGE_BYTES
            read = _with_payload(request) if is_small else await self._read_large(request, is_known)
            record = self._assigned(read, is_known, receipt_id, directory)
            del read
        if record is None:
            if not await self._is_signed_by_anybody(request, directory):
                raise Unproven(request, directory)
            record = self._unassigned(request, receipt_id)
        await self._store(record, request, receipt_id, route)
        if record.quarantine_reason:
            self._context.metrics.quarantined.labels(self._adapter.name, record.quarantine_reason).inc()
        if record.quarantine_reason == UNREADABLE_BODY:
            raise problems.unreadable_body()
        # Kept, and not processed: whoever tries an installation out must see that.
        return {"status": "quarantined" if record.quarantine_reason else "accepted", "receipt_id": receipt_id}

    def _assigned(self, request: Request, is_known: bool, receipt_id: str, directory: Directory) -> _Record | None:
        """Where the webhook belongs; None for a sender who has proved nothing yet. Raises Problem."""
        is_known = is_known or (request.payload is not None and self._is_known(request, directory))
        try:
            workspace = named_workspace(self._adapter, request, directory)
        except Exception as error:  # An adapter never raises: this one is defective, and the body must not be lost.
            self._report(error)
            return _quarantined(receipt_id, ADAPTER_FAILED) if is_known else None
        if request.payload is None or workspace is None:
            reason = UNREADABLE_BODY if request.payload is None else UNKNOWN_WORKSPACE
            return _quarantined(receipt_id, reason) if is_known else None
        return self._delivered(request, request.payload, workspace, receipt_id, directory)

    def _unassigned(self, request: Request, receipt_id: str) -> _Record:
        """The place of a webhook that names no workspace we know, or that can't be read."""
        is_readable = _with_payload(request).payload is not None
        return _quarantined(receipt_id, UNKNOWN_WORKSPACE if is_readable else UNREADABLE_BODY)

    def _delivered(
        self, request: Request, payload: Payload, workspace: Workspace, receipt_id: str, directory: Directory
    ) -> _Record:
        account = directory.account(workspace, self._adapter.name)
        if not account.readable:
            raise problems.unavailable(self._adapter.unavailable_status)
        if not self._may_write(request, account):
            raise Unproven(request, directory)
        if account.allow_unsigned:
            self._context.metrics.unsigned.labels(self._adapter.name).inc()
        try:
            delivery = self._adapter.deliver(workspace.id, payload)
        except Exception as error:
            self._report(error)
            return _quarantined(receipt_id, ADAPTER_FAILED, workspace)
        topic = WEBHOOKS_BULK if delivery.lane == "bulk" else reply_topic(self._adapter.name)
        return _Record(topic=topic, key=delivery.dedupe_key, workspace=workspace)

    async def _read_large(self, request: Request, is_known: bool) -> Request:
        """With its payload, beside the event loop: that can take 20 ms."""
        if is_known:
            return await self._beside(_with_payload, request)
        async with self._gate():
            return await self._beside(_with_payload, request)

    async def _beside(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._context.beside, work, *arguments)

    async def _is_signed_by_anybody(self, request: Request, directory: Directory) -> bool:
        """Signing a large body with every workspace's secret takes long, so it is done beside the event loop."""
        if not self._senders.is_signed(request):
            return False
        secrets = directory.secrets(self._adapter.name, self._context.clock())
        async with self._gate():
            return await self._beside(self._senders.has_signed, request, secrets)

    @asynccontextmanager
    async def _gate(self) -> AsyncIterator[None]:
        """What strangers can make us do at some cost is done one at a time."""
        try:
            async with self._context.strangers_gate.entered():
                yield
        except GateFull:
            raise self._unavailable("strangers' gate") from None

    def _is_known(self, request: Request, directory: Directory) -> bool:
        try:
            return self._senders.is_known(request, directory)
        except Exception as error:  # A defective proof proves nothing.
            self._report(error)
            return False

    def _may_write(self, request: Request, account: ProviderAccount) -> bool:
        try:
            return self._senders.may_write(request, account)
        except Exception as error:  # As above.
            self._report(error)
            return False

    def _unavailable(self, reason: str, *, is_read: bool = True) -> Problem:
        """For whom there is no room at the moment: refused at once rather than kept waiting."""
        self._context.metrics.refused.labels(self._adapter.name, reason).inc()
        return problems.unavailable(self._adapter.unavailable_status, is_read=is_read)

    async def _store(self, record: _Record, request: Request, receipt_id: str, route: str) -> None:
        workspace = record.workspace
        meta = WebhookMeta(
            receipt_id=receipt_id,
            provider=self._adapter.name,
            workspace=workspace.id if workspace else "",
            received_at=self._context.clock(),
            timezone=workspace.timezone if workspace else "UTC",
            query=without_secrets(request.query, self._adapter) if request.query else {},
            content_type=request.headers.get("content-type", "application/json"),
            route=route,
            traceparent=continued(request.headers.get("traceparent"), self._context.random_bytes),
            quarantine_reason=record.quarantine_reason,
        )
        topic = self._topics[record.topic]
        try:
            await self._publisher.publish(topic, record.key.encode(), request.body, webhook_headers(meta))
        except KafkaAway:
            raise problems.unavailable(self._adapter.unavailable_status) from None

    def _note(self, problem: Problem, scope: Scope) -> None:
        refusals = self._context.refusals
        if isinstance(problem, Unproven):
            explain = partial(why_unproven, self._adapter, problem.request, problem.directory)
            because = refusals.look(len(problem.request.body), explain)
        else:
            because = RefusedBecause(_named_in_address(scope["query_string"]))
        refusals.note(_route(scope), problem, because)

    def _report(self, error: Exception) -> None:
        """The class only: the message of a foreign error may quote the body."""
        self._context.metrics.adapter_failures.labels(self._adapter.name).inc()
        log.error("adapter failed", provider=self._adapter.name, error=type(error).__name__)


class UnknownProvider:
    """Answers `/webhooks/…` for every name that is no provider's."""

    def __init__(self, known: Iterable[str], refusals: RefusalRecorder) -> None:
        self._known = ", ".join(known)
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """ASGI."""
        problem = problems.unknown_provider(self._known)
        await send_problem(problem, scope["path"], send, body=scope["method"] != "HEAD")
        if scope["method"] == "POST":
            self._refusals.note(UNMATCHED, problem, RefusedBecause(f"provider={scope['path_params']['provider']}"))


def _route(scope: Scope) -> str:
    """The path as it is declared: providers are pointed at it with and without a slash at its end."""
    path: str = scope["path"]
    return path.rstrip("/")


def _named_in_address(query_string: bytes) -> str:
    """The workspace that the address names, where looking is cheap."""
    if len(query_string) > _LONGEST_LOOKED_AT:
        return ""
    try:
        return named_in_query(read_query(query_string))
    except ValueError:
        return ""
