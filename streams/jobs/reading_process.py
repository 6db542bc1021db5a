"""A process that reads what strangers wrote; the kernel ends it when a text takes too long."""

import contextlib
import pickle
import signal
import socket
import struct
from typing import Any

from streams.ai import local_provider
from streams.jobs import types  # noqa: F401 - all that steps read with

LENGTH = struct.Struct("!I")

# This module is loaded by the process that readers are forked from: what is loaded here, they share. An installation
# whose model can't be loaded fails where somebody asks for it.
with contextlib.suppress(Exception):
    local_provider.shipped_classifier()


def serve(connection: socket.socket, cpu_seconds: float) -> None:
    """Answer until the worker is gone. The time is the processor's, so that a slow machine makes no text unreadable."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The default action ends the process, wherever it is: a handler would have to wait for the pattern to give up.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    requests = connection.makefile("rb")
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, arguments = pickle.load(requests)  # noqa: S301 - from the worker that started us
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
            answer = pickle.dumps(_answered(function, arguments), pickle.HIGHEST_PROTOCOL)
            signal.setitimer(signal.ITIMER_PROF, 0)
            connection.sendall(LENGTH.pack(len(answer)) + answer)


def _answered(function: Any, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    """What came of it; of an error its class alone, for its message may quote the lead."""
    try:
        return True, function(*arguments)
    except Exception as error:
        return False, type(error).__name__
