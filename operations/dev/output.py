"""Where the lines of all programs go: a file each, and one prefixed stream for people."""

import sys
import threading
from datetime import datetime
from itertools import chain
from typing import TextIO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from operations.dev.home import Home

#: The name of the merged stream's log.
STREAM = "stack"
#: A log that is larger at the start of a stack is put aside; the one put aside before goes.
_ROTATE_BYTES = 10 * 1024**2


class Output:
    """Takes lines from many threads."""

    def __init__(self, home: Home, names: tuple[str, ...], terminal: TextIO = sys.stdout) -> None:
        self._lock = threading.Lock()
        self._colours = dict(zip(names, get_colours(), strict=False))
        self._files = {name: _open_log(home, name) for name in chain(names, (STREAM,))}
        width = max(map(len, names))
        self._printers = [Printer(terminal, width=width), Printer(self._files[STREAM], width=width)]

    def line(self, name: str, text: str, shown: bool = True) -> None:
        """A line of a program; `shown=False` keeps it out of the stream."""
        with self._lock:
            print(text, file=self._files[name], flush=True)
            if shown:
                self._print(name, text, self._colours[name])

    def note(self, text: str) -> None:
        """Something the supervisor has to say."""
        with self._lock:
            self._print("", text, None)

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()

    def _print(self, name: str, text: str, colour: str | None) -> None:
        message = Message(type="line", data=text, time=datetime.now().astimezone(), name=name, colour=colour)
        for printer in list(self._printers):
            try:
                printer.write(message)
            except OSError:
                # The terminal is gone; the stack must be able to stop in order all the same.
                self._printers.remove(printer)


def _open_log(home: Home, name: str) -> TextIO:
    path = home.log(name)
    if path.exists() and path.stat().st_size > _ROTATE_BYTES:
        path.rename(path.with_name(f"{path.name}.1"))
    return path.open("a", encoding="utf-8", errors="replace")
