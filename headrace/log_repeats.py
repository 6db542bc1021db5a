"""Thins out what libraries repeat: a broker that is away makes every client say so a hundred times a second."""

import logging

#: Seconds during which a line of the same kind is counted and not printed.
QUIET_SECONDS = 10.0


class RepeatFilter(logging.Filter):
    """Lets one line of each kind pass in `QUIET_SECONDS`, and says how many there were in between.

    A kind is a logger and an unformatted message: the numbers in it differ from line to line.
    """

    def __init__(self, loggers: tuple[str, ...]) -> None:
        super().__init__()
        self._loggers = loggers
        self._last_passed: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Time is the record's own."""
        if record.name.partition(".")[0] not in self._loggers:
            return True
        kind = (record.name, str(record.msg))
        passed = self._last_passed.get(kind)
        if passed is not None and record.created - passed < QUIET_SECONDS:
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return False
        self._last_passed[kind] = record.created
        if held_back := self._held_back.pop(kind, 0):
            record.msg = f"{record.getMessage()} ({held_back} more like this)"
            record.args = None
        return True
