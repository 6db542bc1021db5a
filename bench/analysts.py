"""How long each question of docs/analysts.md takes over a million messages, asked as an analyst."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec
import psycopg

from bench.analysts_rows import MESSAGES_OF_A_REPLY, Sizes, fill_read_model
from bench.measures import Values
from bench.place import START_SECONDS, running, temporary_home, wait
from bench.progress import Say
from operations.dev.ports import free_ports
from operations.dev.postgres import local_url, postgres, postgres_answers
from projections.migrate import upgrade

GUIDE = Path(__file__).parents[1] / "docs" / "analysts.md"
#: What stands before a question's SQL is the question.
_QUESTION = re.compile(r"^([^\n]+):\n\n```sql\n((?:SELECT|WITH)\b.*?)```", re.MULTILINE | re.DOTALL)
_ROUNDS = 5
#: Examples in the guide → where they are found in a filled read model.
_PLACES = {
    "'acme'": "SELECT quote_literal(workspace_id) FROM analytics.messages LIMIT 1",
    "'dana@orbit.io'": "SELECT quote_literal(value) FROM analytics.lead_identities "
    "WHERE kind = 'email' AND workspace_id = (SELECT workspace_id FROM analytics.messages LIMIT 1) LIMIT 1",
    "'990012'": "SELECT quote_literal(provider_message_id) FROM analytics.messages LIMIT 1",
}


class Question(NamedTuple):
    """What is asked, in words and in SQL."""

    words: str
    sql: str


class AnalystsSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Replies made of events, and copies of all that follows from them; each reply is seven messages."""

    replies: int = 5_000
    copies: int = 29


def questions() -> list[Question]:
    """Every question of the guide, with the examples it gives."""
    return [Question(words, sql.strip().rstrip(";")) for words, sql in _QUESTION.findall(GUIDE.read_text("utf-8"))]


def with_examples(connection: "psycopg.Connection[Any]", sql: str) -> str:
    """The question about a workspace, a person and a message that are there."""
    for example, found_by in _PLACES.items():
        found = connection.execute(found_by.encode()).fetchone() if example in sql else None
        sql = sql.replace(example, found[0]) if found else sql
    return sql


def measure_analysts(sizes: AnalystsSizes, say: Say) -> Values:
    """Fill a read model, ask every question, tell the medians."""
    with _database() as url:
        filling = Sizes(replies=sizes.replies, copies=sizes.copies)
        say(f"{fill_read_model(url, filling, say):,} messages, {MESSAGES_OF_A_REPLY} with each reply")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET ROLE analyst_ro")
            took = {one: _asked(connection, one.sql) for one in questions()}
    for one, milliseconds in sorted(took.items(), key=lambda pair: -pair[1]):
        say(f"{milliseconds:8.1f} ms  {one.words}")
    values = {f"analysts.{_key(one.words)}_ms": milliseconds for one, milliseconds in took.items()}
    return values | {"analysts.slowest_ms": max(took.values()), "analysts.questions": len(took)}


def _asked(connection: "psycopg.Connection[Any]", sql: str) -> float:
    """Milliseconds until the last row is here, planning included: the median after a first time."""
    statement = with_examples(connection, sql).encode()
    connection.execute(statement).fetchall()
    rounds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        connection.execute(statement).fetchall()
        rounds.append(1000 * (time.perf_counter() - began))
    return median(rounds)


def _key(words: str) -> str:
    return re.sub(r"\W+", "_", words.lower()).strip("_")[:40]


@contextmanager
def _database() -> Iterator[str]:
    """The URL of a migrated database on a server of its own, wiped afterwards."""
    with temporary_home() as home:
        (port,) = free_ports(1)
        with running(postgres(home.postgres, home.postgres_password, port, os.environ), home) as process:
            url = local_url(port, home.postgres_password, "postgres")
            wait(lambda: postgres_answers(url), START_SECONDS, process, home.log("postgres"))
            upgrade(url)
            yield url
