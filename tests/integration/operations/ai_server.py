"""The sandbox's AI server as a process of its own, for commands that spend."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from operations.dev.ports import free_ports
from tests.integration.operations.decided import ROOT
from tests.lifeline import kill_group, lifeline


class Server:
    """The sandbox's AI server, in a process of its own."""

    def __init__(self, port: int) -> None:
        self._control = f"http://127.0.0.1:{port}/control"
        self.environment = {
            "AI_PROVIDER": "openai",
            "AI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "OPENAI_API_KEY": "sandbox-key",
        }

    def tell(self, method: str, body: Any = None) -> dict[str, Any]:
        """See `operations.dev.sandbox.ai_server`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._control, method=method, data=data)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    @property
    def requests(self) -> int:
        """How often it was asked."""
        count: int = self.tell("GET")["requests"]
        return count


@contextmanager
def running() -> Iterator[Server]:
    """One, while the block runs."""
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "operations.dev.sandbox.ai_server", "--port", str(port)],
        cwd=ROOT,
        start_new_session=True,
    )
    with lifeline(kill_group(process.pid)):
        found = Server(port)
        give_up = time.monotonic() + 30
        while True:
            try:
                found.tell("GET")
                break
            except OSError:
                assert time.monotonic() < give_up
                time.sleep(0.1)
        yield found
        process.terminate()
        process.wait(30)
