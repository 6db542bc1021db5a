"""What answers a question of the analysts' guide: plans whose work grows with the rows there are, and no faster.

Plans are looked at, with the rows that went through each of their parts; nothing is timed. `bench/analysts.py` is.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from bench.analysts import questions, with_examples
from bench.analysts_rows import MESSAGES_OF_A_REPLY, Sizes, fill_read_model
from tests.databases import new_database

#: Messages, and what follows from them.
SIZES = Sizes(replies=400, copies=6)
#: Rows that one part of a plan may go through: a few tables have several rows a message.
MOST_ROWS = 3 * SIZES.replies * SIZES.copies * MESSAGES_OF_A_REPLY
#: From here on an estimate matters, and so many times too low is wrong.
MANY_ROWS, TOO_LOW = 500, 100
ASKED = {one.words: one.sql for one in questions()}
#: What people ask all the same, and what once took a minute. What has a view of its own (drafts that wait, what goes
#: out) is slow by conversation: it is to be asked there.
FORMS = {
    "opt-outs with their leads": "SELECT * FROM analytics.conversations AS spoken "
    "JOIN analytics.leads USING (workspace_id, lead_id) WHERE spoken.is_opt_out",
    "identities of suppressed leads": "SELECT * FROM analytics.lead_identities "
    "JOIN analytics.leads AS lead USING (workspace_id, lead_id) WHERE lead.is_suppressed",
    "suppressions with their leads": "SELECT * FROM analytics.suppressions "
    "JOIN analytics.leads USING (workspace_id, lead_id)",
}


class Part(NamedTuple):
    """One node of a plan, and what went through it."""

    name: str
    estimated: float
    found: float
    #: Rows that it gave or threw away, over all its loops.
    looked_at: float
    loops: float


@pytest.fixture(scope="module")
def filled(postgres_url: str, database_template: str) -> Iterator[psycopg.Connection[Any]]:
    with new_database(postgres_url, database_template) as url:
        fill_read_model(url, SIZES, lambda _: None)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET ROLE analyst_ro")
            # A plan is to be told by its costs, not by the time it takes to compile it.
            connection.execute("SET jit = off")
            yield connection


def plan(connection: psycopg.Connection[Any], sql: str) -> list[Part]:
    statement = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {with_examples(connection, sql)}"
    found = connection.execute(statement.encode()).fetchone()
    assert found
    return list(_parts(found[0][0]["Plan"]))


def _parts(node: dict[str, Any]) -> Iterator[Part]:
    loops = node["Actual Loops"]
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    yield Part(
        name=" ".join(
            str(node[key]) for key in ("Node Type", "Relation Name", "CTE Name", "Subplan Name") if key in node
        ),
        estimated=node["Plan Rows"],
        found=node["Actual Rows"],
        looked_at=loops * (node["Actual Rows"] + removed),
        loops=loops,
    )
    for child in node.get("Plans", ()):
        yield from _parts(child)


@pytest.mark.parametrize("words", [*ASKED, *FORMS])
def test_no_part_of_a_plan_compares_each_with_each(filled: psycopg.Connection[Any], words: str) -> None:
    parts = plan(filled, {**ASKED, **FORMS}[words])
    assert [part for part in parts if part.looked_at > MOST_ROWS] == []


@pytest.mark.parametrize("words", [*ASKED, *FORMS])
def test_no_join_is_taken_for_next_to_nothing(filled: psycopg.Connection[Any], words: str) -> None:
    parts = plan(filled, {**ASKED, **FORMS}[words])
    assert [part for part in parts if part.loops == 1 and part.found > max(MANY_ROWS, TOO_LOW * part.estimated)] == []


def test_pages_of_drafts_follow_one_another(filled: psycopg.Connection[Any]) -> None:
    page = "SELECT draft_id, waiting_since_at FROM analytics.drafts_to_review WHERE workspace_id = 'workspace-01' "
    order = "ORDER BY waiting_since_at, draft_id LIMIT 5"
    rows = filled.execute((page + order).encode()).fetchall()
    assert len(rows) == 5
    draft_id, since = rows[-1]
    after = f"{page} AND (waiting_since_at, draft_id) > ('{since}', '{draft_id}') {order}"
    following = filled.execute(after.encode()).fetchall()
    assert rows + following == filled.execute((page + order.replace("5", "10")).encode()).fetchall()
