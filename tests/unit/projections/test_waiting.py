"""Which of Postgres' errors are waited out, and that waiting is told, again and again, with what to do about it."""

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import errors
from structlog.testing import capture_logs

from projections.writing.waiting import OutageLog, can_wait, hint, is_postgres_away

#: The error, whether waiting alone may help, whether a person can mend it in the database, and a word of the advice.
CASES = [
    (psycopg.OperationalError("connection refused"), True, True, "does not answer"),
    (psycopg.OperationalError('FATAL:  database "headrace" does not exist'), True, True, "detail"),
    (psycopg.InterfaceError("the connection is closed"), True, True, "does not answer"),
    (errors.AdminShutdown(), True, True, "does not answer"),
    (errors.DeadlockDetected(), True, True, "does not answer"),
    (errors.DiskFull(), True, True, "disk"),
    (errors.OutOfMemory(), True, True, "memory"),
    (errors.TooManyConnections(), True, True, "max_connections"),
    (errors.LockNotAvailable(), True, True, "pg_locks"),
    (errors.QueryCanceled(), True, True, "one record"),
    (errors.InvalidPassword(), True, True, "password"),
    (errors.ReadOnlySqlTransaction(), True, True, "standby"),
    (errors.IdleInTransactionSessionTimeout(), True, True, "does not answer"),
    (errors.UndefinedTable(), False, True, "headrace db migrate"),
    (errors.UndefinedColumn(), False, True, "headrace db migrate"),
    (errors.InvalidSchemaName(), False, True, "headrace db migrate"),
    (errors.InsufficientPrivilege(), False, True, "privilege"),
    (errors.ProgramLimitExceeded(), False, False, ""),
    (errors.UniqueViolation(), False, False, ""),
    (errors.SyntaxError(), False, False, ""),
    (errors.DataCorrupted(), False, False, ""),
    (ValueError(), False, False, ""),
]


@pytest.mark.parametrize(("error", "passes", "can_be_mended", "advice"), CASES, ids=lambda case: type(case).__name__)
def test_what_is_waited_out(error: Exception, passes: bool, can_be_mended: bool, advice: str) -> None:
    assert (is_postgres_away(error), can_wait(error)) == (passes, can_be_mended)
    assert not can_be_mended or advice in hint(error)


def state(error: Exception) -> Any:
    return SimpleNamespace(outcome=SimpleNamespace(exception=lambda: error))


def test_an_outage_is_told_at_once_every_minute_and_when_its_reason_changes() -> None:
    now = [0.0]
    outage = OutageLog(lambda: now[0])
    with capture_logs() as logs:
        for second in range(0, 121, 5):
            now[0] = second
            outage(state(errors.DiskFull()))
        outage(state(errors.TooManyConnections()))
    assert [line["sqlstate"] for line in logs] == ["53100", "53100", "53100", "53300"]


def test_the_text_of_a_row_is_not_told() -> None:
    with capture_logs() as logs:
        OutageLog(lambda: 0)(state(errors.LockNotAvailable("while updating tuple with secret text")))
        OutageLog(lambda: 0)(state(psycopg.OperationalError("connection to 10.0.0.1 refused\nsecond line")))
    assert [line["detail"] for line in logs] == [None, "connection to 10.0.0.1 refused"]
