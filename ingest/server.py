"""Runs ingest on uvicorn until it is told to stop, then lets it finish what it accepted."""

import resource
import signal
import socket

import uvicorn
from fastapi import FastAPI

from headrace.garbage import collect_rarely
from headrace.kafka.durability import warn_of_thin_topics
from headrace.logs import configure_logs
from headrace.settings import Settings
from ingest.app import create_app
from ingest.http_protocol import limited_protocol

#: Seconds in-flight requests get at shutdown: more than a publish can take.
_DRAIN_SECONDS = 10
_BACKLOG = 2048


class PortInUse(RuntimeError):
    """The listening address can't be had; the message says what to do."""


class IngestFailed(RuntimeError):
    """A part of the process failed that the rest can't do without; the message names the error's class."""


def run_ingest(settings: Settings) -> None:
    """Until SIGINT or SIGTERM. Raises PortInUse, IngestFailed, SecretsKeyError or PublicKeyError."""
    configure_logs(settings, "ingest")
    warn_of_thin_topics(settings)
    _raise_file_limit()
    listener = _listening(settings.ingest_host, settings.ingest_port, "HEADRACE_INGEST_HOST and HEADRACE_INGEST_PORT")
    app = create_app(settings)
    if settings.metrics_port:
        app.state.operations_listener = _listening(
            settings.metrics_host, settings.metrics_port, "HEADRACE_METRICS_HOST and HEADRACE_METRICS_PORT"
        )
    collect_rarely()
    server = uvicorn.Server(ingest_server_config(settings, app))
    # After a graceful stop uvicorn raises the signal again for whoever handled it before: a stop asked for is exit 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    if failure := getattr(app.state, "failure", ""):
        raise IngestFailed(f"a background task of ingest failed with {failure}: a supervisor should start it again")


def ingest_server_config(settings: Settings, app: FastAPI | None = None) -> uvicorn.Config:
    """uvicorn's settings: C parser with limits, and loop, no access log, own log format."""
    app = app or create_app(settings)
    return uvicorn.Config(
        app,
        loop="uvloop",
        # uvicorn only ever calls it.
        http=limited_protocol(app.state.connections),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # Nothing here asks for the sender's address.
        proxy_headers=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        backlog=_BACKLOG,
    )


def _raise_file_limit() -> None:
    """Shells allow 1024 open files, which as many connections use up; a process may raise that to its hard limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listening(host: str, port: int, variables: str) -> socket.socket:
    """A socket of our own, so that a port in use is one sentence and not a traceback."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise PortInUse(
            f"can't listen on {host}:{port} ({error.strerror}): stop what uses it, or set {variables}"
        ) from error
