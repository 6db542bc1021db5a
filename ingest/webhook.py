"""The hot path: one POST becomes one record, or one problem.

A plain ASGI endpoint: request and response objects, and validation models, would cost more than the work itself.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from events.topics import WEBHOOKS_BULK, WEBHOOKS_QUARANTINE, Topic, reply_topic
from events.webhooks import WebhookMeta, webhook_headers
from ingest import problems
from ingest.admission import (
    InstallationKeys,
    accepts_content,
    is_somebody,
    may_write,
    read_query,
    without_secrets,
)
from ingest.body import BodyReader, BodyTooLarge, BodyTooSlow, ClientGone
from ingest.metrics import IngestMetrics
from ingest.problems import Problem, send_json, send_problem
from ingest.publisher import KafkaAway, Publisher
from ingest.tracing import continued
from providers.adapter import Adapter, Delivery, Request
from providers.payload import UnreadableBody, read_payload
from runtime.settings import Settings
from workspaces.follow import WorkspaceFollower
from workspaces.naming import named_workspace
from workspaces.workspace import Workspace

ALLOWED = "GET, HEAD, POST"

UNKNOWN_WORKSPACE = "unknown workspace"
UNREADABLE_BODY = "unreadable body"
#: A defect of ours: the body is kept, so that a corrected adapter can read it.
ADAPTER_FAILED = "adapter failed"

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class IngestContext:
    """What every webhook route shares. Clock, ids and randomness are arguments, so that tests can fix them."""

    settings: Settings
    publisher: Publisher
    follower: WorkspaceFollower
    bodies: BodyReader
    metrics: IngestMetrics
    keys: InstallationKeys
    clock: Callable[[], datetime]
    new_receipt_id: Callable[[], str]
    random_bytes: Callable[[int], bytes]
    #: One at a time: see `WebhookReceiver._is_somebody`.
    quarantine_gate: asyncio.Lock


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    topic: Topic
    key: str
    workspace: Workspace | None = None
    quarantine_reason: str = ""


class WebhookReceiver:
    """Receives the webhooks of one provider."""

    def __init__(self, adapter: Adapter, context: IngestContext) -> None:
        self._adapter = adapter
        self._context = context
        self._limit = context.settings.body_limit
        self._publisher = context.publisher
        self._topics = {
            topic: context.settings.topic(topic)
            for topic in (reply_topic(adapter.name), WEBHOOKS_BULK, WEBHOOKS_QUARANTINE)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: POST stores, GET says that the route is up."""
        method = scope["method"]
        try:
            if method == "POST":
                receipt_id = await self._receive(scope, receive)
                await send_json(200, {"status": "accepted", "receipt_id": receipt_id}, send)
            elif method in ("GET", "HEAD"):
                await send_json(200, {"status": "ok", "provider": self._adapter.name}, send, body=method == "GET")
            else:
                await send_problem(problems.method_not_allowed(ALLOWED), scope["path"], send)
        except Problem as problem:
            await send_problem(problem, scope["path"], send)
        except ClientGone:
            return
        except Exception:
            # A defect of ours. The server logs what is raised, but would answer in plain text.
            await send_problem(problems.internal_error(), scope["path"], send)
            raise

    async def _receive(self, scope: Scope, receive: Receive) -> str:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = await self._read(headers, scope["query_string"], receive)
        if not self._context.follower.loaded.is_set():
            raise problems.unavailable(self._adapter.unavailable_status)
        receipt_id = self._context.new_receipt_id()
        record = await self._assigned(request, receipt_id)
        await self._store(record, request, receipt_id, scope["path"])
        if record.quarantine_reason:
            self._context.metrics.quarantined.labels(self._adapter.name, record.quarantine_reason).inc()
        if record.quarantine_reason == UNREADABLE_BODY:
            raise problems.unreadable_body()
        return receipt_id

    async def _read(self, headers: dict[str, str], query_string: bytes, receive: Receive) -> Request:
        if not accepts_content(headers):
            raise problems.unsupported_media()
        try:
            body = await self._context.bodies.read(headers, receive)
            query = read_query(query_string)
        except BodyTooLarge:
            raise problems.body_too_large(self._limit) from None
        except BodyTooSlow:
            raise problems.body_too_slow() from None
        except ValueError:
            raise problems.bad_query() from None
        try:
            payload = read_payload(body)
        except UnreadableBody:
            payload = None
        return Request(body=body, headers=headers, query=query, payload=payload)

    async def _assigned(self, request: Request, receipt_id: str) -> _Record:
        """Where the webhook belongs. Raises Problem for a sender who proved nothing."""
        directory = self._context.follower.directory
        try:
            workspace = named_workspace(self._adapter, request, directory)
        except Exception as error:  # An adapter never raises: this one is defective, and the body must not be lost.
            self._report(error)
            return await self._quarantined(request, receipt_id, ADAPTER_FAILED)
        if request.payload is None:
            return await self._quarantined(request, receipt_id, UNREADABLE_BODY)
        if workspace is None:
            return await self._quarantined(request, receipt_id, UNKNOWN_WORKSPACE)
        account = directory.account(workspace, self._adapter.name)
        if not account.readable:
            raise problems.unavailable(self._adapter.unavailable_status)
        if not self._is_proven(lambda: may_write(self._adapter, request, account, self._context.keys)):
            raise problems.unproven()
        if account.allow_unsigned:
            self._context.metrics.unsigned.labels(self._adapter.name).inc()
        try:
            delivery = self._adapter.deliver(workspace.id, request.payload)
        except Exception as error:
            self._report(error)
            return _Record(
                topic=WEBHOOKS_QUARANTINE, key=receipt_id, workspace=workspace, quarantine_reason=ADAPTER_FAILED
            )
        return self._delivered(delivery, workspace)

    def _delivered(self, delivery: Delivery, workspace: Workspace) -> _Record:
        topic = WEBHOOKS_BULK if delivery.lane == "bulk" else reply_topic(self._adapter.name)
        return _Record(topic=topic, key=delivery.dedupe_key, workspace=workspace)

    async def _quarantined(self, request: Request, receipt_id: str, reason: str) -> _Record:
        if not await self._is_somebody(request):
            raise problems.unproven()
        return _Record(topic=WEBHOOKS_QUARANTINE, key=receipt_id, quarantine_reason=reason)

    async def _is_somebody(self, request: Request) -> bool:
        """Signing a large body with every workspace's secret takes long: one at a time, beside the event loop."""
        context = self._context
        directory = context.follower.directory
        async with context.quarantine_gate:
            return await asyncio.to_thread(
                self._is_proven, lambda: is_somebody(self._adapter, request, directory, context.keys)
            )

    def _is_proven(self, prove: Callable[[], bool]) -> bool:
        try:
            return prove()
        except Exception as error:  # A defective proof proves nothing.
            self._report(error)
            return False

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

    def _report(self, error: Exception) -> None:
        """The class only: the message of a foreign error may quote the body."""
        self._context.metrics.adapter_failures.labels(self._adapter.name).inc()
        log.error("adapter failed", provider=self._adapter.name, error=type(error).__name__)


class UnknownProvider:
    """Answers `/webhooks/…` for every name that is no provider's."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = ", ".join(known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """ASGI."""
        problem = problems.unknown_provider(self._known)
        await send_problem(problem, scope["path"], send, body=scope["method"] != "HEAD")
