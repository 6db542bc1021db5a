"""TCP ports of the stack: free ones for tests, and a clear sentence when a chosen one is taken."""

import socket

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


def require_free(port: int, what: str, variable: str) -> None:
    """Raises CannotStart when `port`, wanted for `what`, is taken; `variable` is what chooses another."""
    if not is_free(port):
        raise impossible(f"Port {port} for {what} is in use: stop what uses it, or choose another with {variable}")
