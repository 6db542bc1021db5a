"""TCP ports of the stack: free ones for tests, and a clear sentence when a chosen one is taken."""

import socket
from collections.abc import Iterable

from operations.dev.cannot_start import impossible

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> tuple[int, ...]:
    """Different ports that nobody listens on at this moment."""
    listeners = [socket.socket() for _ in range(count)]
    try:
        for listener in listeners:
            listener.bind((LOOPBACK, 0))
        return tuple(listener.getsockname()[1] for listener in listeners)
    finally:
        for listener in listeners:
            listener.close()


def is_free(port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket() as listener:
        # As servers do: connections of a server that just stopped don't count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free(ports: Iterable[tuple[int, str, str]]) -> None:
    """Raises CannotStart with all that are taken. Of each: number, what for, and the variable that chooses another."""
    taken = [f"port {port} for {what} ({variable})" for port, what, variable in ports if not is_free(port)]
    if taken:
        listed = ", ".join(taken)
        them, others = ("it", "another") if len(taken) == 1 else ("them", "others")
        raise impossible(
            f"In use: {listed}. Stop what uses {them}, or choose {others} with the variable in brackets; a second "
            "stack needs a HEADRACE_HOME of its own, too"
        )
