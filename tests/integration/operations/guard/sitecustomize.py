"""Loaded into every Python process by PYTHONPATH: keeps it from connecting to anything but the places it may.

`GUARD_ALLOWED` names them (`127.0.0.1:9092 …`), `GUARD_REPORT` the file that each line of evidence is appended to:
`seen PLACE` for a connection that stands, `refused PLACE` for one that was stopped, `loaded MODULE` at the end.
Connections of Python code are stopped before they begin; those of C libraries are seen where the kernel lists them.
"""

import atexit
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

ALLOWED = frozenset(os.environ["GUARD_ALLOWED"].split())
REPORT = Path(os.environ["GUARD_REPORT"])
HOSTS = {place.rpartition(":")[0] for place in ALLOWED}
_EVERY = 0.01
_seen: set[str] = set()


def tell(what: str, name: str) -> None:
    """One line, whole: several processes write at once."""
    with REPORT.open("a") as file:
        file.write(f"{what} {name}\n")


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook."""
    if event in ("socket.connect", "socket.sendto"):
        place = ":".join(map(str, arguments[1][:2])) if isinstance(arguments[1], tuple) else str(arguments[1])
        check(place, place in ALLOWED)
    elif event == "socket.getaddrinfo":
        check(f"name {arguments[0]}", arguments[0] in HOSTS)


def check(place: str, is_allowed: bool) -> None:
    if not is_allowed:
        tell("refused", place)
        raise PermissionError(f"guarded: {place}")


def look() -> None:
    """For ever: which TCP connections of this process the kernel knows of."""
    while True:
        mine = {link for file in Path("/proc/self/fd").iterdir() if (link := link_of(file)).startswith("socket:")}
        for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in mine and not fields[2].startswith("00000000"):
                note(address(fields[2]))
        time.sleep(_EVERY)


def link_of(file: Path) -> str:
    """What a descriptor is; empty when it was closed meanwhile."""
    try:
        return str(file.readlink())
    except OSError:
        return ""


def start() -> None:
    """Look on. A thread does not outlive a fork."""
    threading.Thread(target=look, daemon=True).start()


def address(hexadecimal: str) -> str:
    """`0100007F:2384` → `127.0.0.1:9092`."""
    host, _, port = hexadecimal.partition(":")
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(host))) + f":{int(port, 16)}"


def note(place: str) -> None:
    if place not in _seen:
        _seen.add(place)
        tell("seen", place)


def tell_loaded() -> None:
    """All that the process ever loaded."""
    for name in sorted(sys.modules):
        tell("loaded", name)


sys.addaudithook(watch)
start()
os.register_at_fork(after_in_child=start)
atexit.register(tell_loaded)
