"""Runs one of the stand-in servers within the present event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn


@asynccontextmanager
async def running(config: uvicorn.Config) -> AsyncIterator[str]:
    """Yields the address, with the port it got where the configuration names none; stops it at the end."""
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    bound = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://{config.host}:{bound}"
    finally:
        server.force_exit = True
        server.should_exit = True
        await task
