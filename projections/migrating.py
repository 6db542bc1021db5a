"""How a migration takes its turn and its locks while everything else goes on.

A statement that waits for a lock makes all who come after it wait as well. So migrations give up soon, let the others
through, and try again; and who waits for its turn holds no transaction open, because an index that is built
concurrently waits for all of them.
"""

from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
    wait_random,
)

from headrace.refusal import Refusal

Tell = Callable[[str], None]

#: For how long a statement may wait for a lock, in seconds: shorter than writers wait (10 s), and longer than an
#: autovacuum takes to notice that it is in the way, and to go (`deadlock_timeout`, 1 s).
LOCK_SECONDS = 2
_TAKE_TURN = text("SELECT pg_try_advisory_lock(hashtextextended('headrace migrations', 0))")
_FIND_HOLDERS = (Path(__file__).parent / "migrations" / "lock_holders.sql").read_text(encoding="utf-8")


class MigrationBlocked(Refusal):
    """A migration did not get its locks; the message says who holds them and what to do."""

    def __init__(self, holders: str) -> None:
        self.holders = holders
        super().__init__(
            f"The migration did not get a lock that it needs. In the way: {holders}. Wait until they are done or "
            "end them (SELECT pg_terminate_backend(pid)), then run the command again."
        )


def tell_nobody(_sentence: str) -> None:
    """For whom waits are no news."""


def take_turn(connection: Connection, tell: Tell) -> None:
    """Wait until nobody else migrates this database; the turn ends with the connection. However long it takes."""

    def try_it() -> bool:
        with connection.begin():
            return bool(connection.scalar(_TAKE_TURN))

    def tell_once(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            tell("Another process migrates this database: waiting for it.")

    Retrying(retry=retry_if_result(lambda taken: not taken), wait=wait_fixed(0.2), before_sleep=tell_once)(try_it)


def retry_locked(connection: Connection, work: Callable[[], None], *, patience: float, tell: Tell) -> None:
    """Do it again until it gets its locks, for `patience` seconds. `work` is undone when it fails.

    Raises MigrationBlocked.
    """

    def try_it() -> None:
        with connection.begin():
            connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        try:
            work()
        except DBAPIError as error:
            # A deadlock is the same misfortune: two who want each other's locks.
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            connection.rollback()
            raise MigrationBlocked(_holders(connection)) from error

    def tell_who(state: RetryCallState) -> None:
        blocked = state.outcome and state.outcome.exception()
        if isinstance(blocked, MigrationBlocked):
            tell(f"The migration gives way and tries again. In its way: {blocked.holders}.")

    Retrying(
        retry=retry_if_exception_type(MigrationBlocked),
        wait=wait_random(1, 3),
        stop=stop_after_delay(patience),
        before_sleep=tell_who,
        reraise=True,
    )(try_it)


def _holders(connection: Connection) -> str:
    with connection.begin():
        holders = connection.exec_driver_sql(_FIND_HOLDERS, {"seconds": LOCK_SECONDS}).all()
    return "; ".join(_holder(*holder) for holder in holders) or "nobody who is still there"


def _holder(pid: int, name: str, state: str | None, seconds: int | None, relations: list[str]) -> str:
    since = "" if seconds is None else f" for {seconds} s"
    held = f" holding {', '.join(relations)}" if relations else ""
    return f"pid {pid} ({name}, {state or 'hidden'}{since}){held}"
