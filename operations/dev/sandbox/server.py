"""All the outside world on one port, for tests, demos and bench: five providers, Slack and Calendly.

`python -m operations.dev.sandbox.server --port 8091 --ingest http://127.0.0.1:8080 --workspace acme.yaml`, then each
provider is at `http://127.0.0.1:8091/<name>`, which is what `api.base_url` of the workspace file points to.
docs/sandbox.md tells what it does and how it is made to fail.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from headrace.providers.registry import ADAPTERS
from headrace.workspaces.document import read_workspace_files
from operations.dev.sandbox.control import Control
from operations.dev.sandbox.serving import running
from operations.dev.sandbox.sockets import OpenProtocol
from operations.dev.sandbox.world import World

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def application(world: World) -> Starlette:
    """The server's routes."""
    providers = Route("/{provider}/{path:path}", world.answer, methods=_METHODS)
    return Starlette(routes=[*Control(world).routes(), providers])


@asynccontextmanager
async def serving(world: World, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Runs the server within the present event loop, on a free port unless one is given; yields its address."""
    try:
        async with running(_config(world, host, port)) as address:
            yield address
    finally:
        await world.echoes.aclose()


def main() -> None:
    """Runs until it is stopped."""
    parser = argparse.ArgumentParser(description="Stand-ins for the providers, Slack and Calendly.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--ingest", help="where webhooks go, such as http://127.0.0.1:8080")
    parser.add_argument("--workspace", type=Path, action="append", default=[], help="whose keys count, and its proofs")
    given = parser.parse_args()
    world = World(given.ingest, read_workspace_files(given.workspace, ADAPTERS) if given.workspace else ())
    uvicorn.Server(_config(world, given.host, given.port)).run()


def _config(world: World, host: str, port: int) -> uvicorn.Config:
    # No access log: one provider's key is in its addresses.
    return uvicorn.Config(
        application(world),
        host=host,
        port=port,
        http=OpenProtocol,
        log_level="warning",
        access_log=False,
        ws="none",
        lifespan="off",
    )


if __name__ == "__main__":
    main()
