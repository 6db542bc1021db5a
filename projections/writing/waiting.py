"""What a projection does when Postgres refuses: which errors pass by waiting, and what is said meanwhile.

Waiting is never silent. An outage is told at once, told again every minute for as long as it lasts, and told anew when
its reason changes, each time with what a person can do about it.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg import errors
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

log = structlog.get_logger()

_T = TypeVar("_T")

#: Longest pause between two attempts while Postgres is away, seconds.
LONGEST_PAUSE = 5.0
#: Between two words on the same outage, seconds.
TELL_SECONDS = 60.0

_AWAY = "Postgres does not answer or is restarting: nothing is lost, rows are written when it is back"
_REFUSED = (
    "Postgres refuses the connection: the detail says why. A database that is missing is made anew with `headrace db "
    "migrate` once it is created, and all rows come back from the log"
)
_INCOMPLETE = (
    "the database lacks what this program writes to: run `headrace db migrate`. If that finds nothing to do, somebody "
    "dropped it: restore the database, or create it anew and migrate it, and all rows come back from the log"
)
#: SQLSTATE, or its class → what a person can do.
_HINTS = {
    "25006": "this is a read-only standby: let DATABASE_URL lead to the primary",
    "28": "Postgres refuses the login: correct the user or the password of DATABASE_URL",
    "3D000": "there is no such database: create it and run `headrace db migrate`; all rows come back from the log",
    "3F000": _INCOMPLETE,
    "42501": "the user of DATABASE_URL lacks a privilege: grant it, or use the owner of the tables",
    "42703": _INCOMPLETE,
    "42P01": _INCOMPLETE,
    "53100": "the disk of Postgres is full: make room",
    "53200": "Postgres is out of memory: give it more, or end what uses it",
    "53300": "Postgres has no connection left: end idle sessions, or raise max_connections",
    "55P03": "somebody holds a lock on these rows for longer than 10 s: look into pg_locks",
    "57014": "one record alone takes longer than the statement time-out of 60 s: look for locks, or for a full machine",
}
#: Only a person can mend these, in the database and not in this program, which then goes on by itself.
_LACKING = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName, errors.InsufficientPrivilege)
#: Psycopg does not file the last two under OperationalError, though they pass.
_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
)


def is_postgres_away(error: BaseException) -> bool:
    """True when trying again later can help: no connection, a shutdown, a deadlock, no room, a read-only standby."""
    return isinstance(error, _PASSING) and not isinstance(error, errors.ProgramLimitExceeded)


def can_wait(error: BaseException) -> bool:
    """As `is_postgres_away`, and for what the database lacks until a person mends it."""
    return is_postgres_away(error) or isinstance(error, _LACKING)


def hint(error: BaseException) -> str:
    """What a person can do about an error that waiting may cure."""
    state = getattr(error, "sqlstate", None) or ""
    # A refused connection has no SQLSTATE, and what the server said is in the language of the server.
    otherwise = _REFUSED if not state and "FATAL" in str(error) else _AWAY
    return _HINTS.get(state) or _HINTS.get(state[:2]) or otherwise


def waiting_for_postgres(waits: Callable[[BaseException], bool]) -> dict[str, Any]:
    """What tenacity does for as long as an error is one that waiting may cure: pause longer and longer, and tell."""
    return {
        "retry": retry_if_exception(waits),
        "wait": wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE),
        "before_sleep": OutageLog(time.monotonic),
        "reraise": True,
    }


async def when_possible(
    attempt: Callable[[], Awaitable[_T]], waits: Callable[[BaseException], bool] = is_postgres_away
) -> _T:
    """Repeat an attempt, with growing pauses, for as long as its error is one that waiting may cure."""
    retrying = AsyncRetrying(**waiting_for_postgres(waits))

    async def attempted() -> _T:
        # A coroutine function, by which tenacity knows that there is something to await.
        return await attempt()

    result: _T = await retrying(attempted)
    if retrying.statistics.get("attempt_number", 1) > 1:
        log.warning("projection.postgres_back", attempts=retrying.statistics["attempt_number"])
    return result


class OutageLog:
    """Tells of one outage; tenacity calls it before each pause. `now` is a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._told: tuple[str, float] | None = None

    def __call__(self, state: RetryCallState) -> None:
        """Say why the attempt failed, unless that was said less than a minute ago."""
        error = state.outcome.exception() if state.outcome is not None else None
        if error is None:
            return
        now, reason = self._now(), hint(error)
        if self._told is not None and self._told[0] == reason and now - self._told[1] < TELL_SECONDS:
            return
        self._told = (reason, now)
        log.error(
            "projection.postgres_away",
            error_class=type(error).__name__,
            sqlstate=getattr(error, "sqlstate", None),
            hint=reason,
            detail=_connection_failure(error),
        )


def _connection_failure(error: BaseException) -> str | None:
    """Why there is no connection, in libpq's words; other messages may quote a row."""
    is_connecting = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
    return str(error).splitlines()[0][:300] if is_connecting and str(error) else None
