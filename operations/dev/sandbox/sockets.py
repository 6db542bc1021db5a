"""Gives the sandbox the connection under a request, so that answers can break off as they do in the world."""

import asyncio
import socket
import struct
from typing import cast

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEY = "sandbox.transport"


class OpenProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with its transport in the scope."""

    def on_message_begin(self) -> None:
        """See httptools."""
        super().on_message_begin()
        self.scope["state"] = {_KEY: self.transport}


def _transport(request: Request) -> asyncio.Transport:
    return cast("asyncio.Transport", request.scope["state"][_KEY])


def reset(request: Request) -> None:
    """The other side gets a reset: with a linger of no time, closing sends RST and forgets what was not sent."""
    transport = _transport(request)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def close(request: Request) -> None:
    """The connection ends in good order, without an answer or within one."""
    _transport(request).close()


def write(request: Request, data: bytes) -> None:
    """Bytes as they are, beside the server's own answer."""
    _transport(request).write(data)
