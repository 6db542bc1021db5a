"""Puts ingest together: FastAPI for health and OpenAPI, plain routes for webhooks."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

import structlog
import uuid_utils
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headrace.events.topics import INGEST_LATENCY, REFUSALS
from headrace.providers.adapter import Adapter
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.follow import WorkspaceFollower
from ingest import problems
from ingest.admission import InstallationKeys
from ingest.body import BodyReader
from ingest.connections import Connections
from ingest.gate import Gate
from ingest.latency import UNMATCHED, LatencyMiddleware, LatencyRecorder
from ingest.metrics import IngestMetrics
from ingest.openapi import describe_webhooks
from ingest.operations import operations_app, serve_operations
from ingest.problems import Problem, problem_document
from ingest.publisher import Publisher
from ingest.refusals import RefusalRecorder
from ingest.routing import WebhookApi
from ingest.webhook import IngestContext, UnknownProvider, WebhookReceiver
from ingest.window_publisher import WindowPublisher

log = structlog.get_logger()

#: No webhook could ever be proven: better no traffic than 503 for all of it.
NO_KEY = "HEADRACE_SECRETS_KEY is not set: the secrets of workspaces can't be read"


class Liveness(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether webhooks can be judged, and whether Kafka takes them."""

    status: str
    workspaces: int
    kafka_up: bool


def create_app(settings: Settings, adapters: Mapping[str, Adapter] = ADAPTERS) -> FastAPI:
    """The ASGI app. Nothing connects before its lifespan starts."""
    recorder = LatencyRecorder(_now())
    context = _context(settings, adapters, recorder)
    publisher, follower = context.publisher, context.follower
    windows = tuple(
        WindowPublisher(settings.topic(topic), close_window, publisher, _process_id(), context.clock)
        for topic, close_window in ((INGEST_LATENCY, recorder.close_window), (REFUSALS, context.refusals.close_window))
    )
    receivers = {name: WebhookReceiver(adapter, context) for name, adapter in adapters.items()}
    app = WebhookApi(
        {
            f"{path}{slash}": LatencyMiddleware(receivers[adapter.name], recorder, path)
            for adapter in adapters.values()
            for path in (f"/webhooks/{adapter.name}", adapter.origin_path)
            for slash in ("", "/")
        },
        title="Headrace ingest",
        version=version("headrace"),
        lifespan=partial(_running, publisher=publisher, windows=windows, others=(follower.run, context.bodies.watch)),
        redirect_slashes=False,
        # The document is served elsewhere: see `operations_app`.
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.connections = Connections(
        settings.ingest_connections,
        context.metrics.connections_given_up,
        partial(context.refusals.note, UNMATCHED),
    )
    app.router.routes.append(Route("/webhooks/{provider}", UnknownProvider(receivers, context.refusals)))
    app.add_middleware(LatencyMiddleware, recorder=recorder, route=UNMATCHED)
    app.state.has_key = settings.secrets_key is not None
    _add_health(app, publisher, follower)
    _add_problems(app, context.refusals)
    app.openapi = partial(_openapi, app, adapters, settings.body_limit)  # type: ignore[method-assign]
    app.state.operations = operations_app(context.metrics.registry, app.openapi)
    #: Where it is served; None is nowhere.
    app.state.operations_listener = None
    return app


def _context(settings: Settings, adapters: Mapping[str, Adapter], recorder: LatencyRecorder) -> IngestContext:
    publisher, follower = Publisher(settings), WorkspaceFollower(settings)
    return IngestContext(
        settings=settings,
        publisher=publisher,
        follower=follower,
        bodies=BodyReader(settings.body_limit),
        metrics=IngestMetrics(recorder, lambda: publisher.is_up, lambda: len(follower.directory)),
        refusals=RefusalRecorder(_now()),
        keys=InstallationKeys(settings, adapters),
        clock=_now,
        new_receipt_id=lambda: str(uuid_utils.uuid7()),
        # Trace ids need to differ, not to be secret.
        random_bytes=random.Random(os.urandom(16)).randbytes,  # noqa: S311
        strangers_gate=Gate(),
        beside=ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-bodies"),
    )


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def _running(
    app: FastAPI,
    publisher: Publisher,
    windows: Iterable[WindowPublisher],
    others: Iterable[Callable[[], Coroutine[Any, Any, None]]],
) -> AsyncIterator[None]:
    """The server closes its last connection before the code after `yield` runs: what was accepted is then complete."""
    app.state.is_stopping = False
    if not app.state.has_key:
        log.error("not ready", hint=NO_KEY)
    producing = asyncio.create_task(publisher.run())
    tasks = [asyncio.create_task(run()) for run in (*others, *(window.run for window in windows))]
    if app.state.operations_listener is not None:
        tasks.append(asyncio.create_task(serve_operations(app.state.operations, app.state.operations_listener)))
    for task in (producing, *tasks):
        task.add_done_callback(partial(_stop_on_failure, app))
    try:
        yield
    finally:
        app.state.is_stopping = True
        await _cancelled(*tasks)
        for window in windows:
            await window.publish_window()
        await _cancelled(producing)


def _stop_on_failure(app: FastAPI, task: asyncio.Task[None]) -> None:
    """A process with half its tasks looks alive and isn't: it finishes its requests and leaves it to the supervisor.

    None of the tasks ends before the process does, neither by an error nor in silence.
    """
    if app.state.is_stopping:
        return
    error = None if task.cancelled() else task.exception()
    app.state.failure = type(error).__name__ if error is not None else "ended"
    log.error("background task failed, stopping", error=app.state.failure)
    signal.raise_signal(signal.SIGTERM)


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _add_health(app: FastAPI, publisher: Publisher, follower: WorkspaceFollower) -> None:
    @app.get("/health/live", tags=["operations"])
    async def live() -> Liveness:
        """Answers as long as the process runs."""
        return Liveness()

    @app.get("/health/ready", tags=["operations"], responses={503: {"model": Readiness}})
    async def ready(response: Response) -> Readiness:
        """200 once Kafka was reached and the workspaces are loaded; never without a key for their secrets.

        It stays 200 while Kafka is away afterwards: only this process knows which status makes each provider
        send a webhook again, and a balancer without ready processes would answer in its place.
        """
        is_ready = app.state.has_key and follower.loaded.is_set() and publisher.is_started
        response.status_code = 200 if is_ready else 503
        status = "ready" if is_ready else "starting" if app.state.has_key else NO_KEY
        return Readiness(status=status, workspaces=len(follower.directory), kafka_up=publisher.is_up)


def _add_problems(app: FastAPI, refusals: RefusalRecorder) -> None:
    async def http_problem(request: Request, error: Exception) -> Response:
        problem = http_problem_of(error)
        if request.method == "POST":
            refusals.note(UNMATCHED, problem)
        return _response(problem, request)

    def http_problem_of(error: Exception) -> Problem:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(getattr(error, "headers", None) or {})
        if status == 405:
            return problems.method_not_allowed(headers.get("Allow", "GET"))
        return problems.unmatched() if status == 404 else problems.internal_error()

    async def internal_problem(request: Request, _error: Exception) -> Response:
        return _response(problems.internal_error(), request)

    app.add_exception_handler(HTTPException, http_problem)
    app.add_exception_handler(Exception, internal_problem)


def _response(problem: Problem, request: Request) -> JSONResponse:
    document = problem_document(problem, request.url.path)
    return JSONResponse(document, problem.status, problem.headers, media_type=problems.CONTENT_TYPE)


def _openapi(app: FastAPI, adapters: Mapping[str, Adapter], limit: int) -> dict[str, Any]:
    if not app.openapi_schema:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        app.openapi_schema = describe_webhooks(document, adapters.values(), limit)
    return app.openapi_schema


def _process_id() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
