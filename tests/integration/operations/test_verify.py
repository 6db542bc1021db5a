"""Two versions compared on real Postgres: equal, different in each possible way, at different offsets, interrupted."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy.engine import make_url

from headrace.events.records import Record
from headrace.settings import Settings
from operations.runs.runs import begin, find_runs, show_run
from operations.versions import verify as verify_module
from operations.versions.content_hash import SESSION, content_hash
from operations.versions.verify import ProjectionVerdict, VerifyImpossible, pairs, verify
from operations.versions.verify_options import VerifyOptions
from operations.versions.version_difference import TableDifference
from projections.connection import connector
from projections.projectors.leads import PROJECTION as LEADS
from projections.registry import ALL_PROJECTIONS
from projections.writing.writer import ProjectionWriter
from tests.headrace_command import Finished, headrace
from tests.integration.operations.versions import copy_version, create_version
from tests.integration.projections.event_log import EventLog


def a_log() -> tuple[EventLog, list[Record]]:
    """Messages, states, signals and a merge of ten leads on two partitions; receipts of another topic."""
    events = EventLog()
    records = []
    for number in range(40):
        lead, partition = f"lead {number % 10}", number % 2
        records.append(events.record("messages", partition, events.message(lead, number, inbound=number % 3 > 0)))
        records.append(events.record("messages", partition, events.lead(lead, number, (f"{number % 10}@x.org",))))
        records.append(events.record("receipts", partition, events.receipt(number, "webhooks.ghl", 0, number)))
    records.append(events.record("messages", 0, events.signal("lead 0", 50)))
    records.append(events.record("messages", 0, events.merge("lead 2", "lead 0")))
    return events, records


def more(count: int) -> list[Record]:
    """What comes after `a_log`: messages of lead 0, in partition 0."""
    events, _ = a_log()
    return [events.record("messages", 0, events.message("lead 0", 100 + number)) for number in range(count)]


def project(url: str, records: Sequence[Record], version: int = 1) -> None:
    """A version reads these records."""
    batch: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        batch[record.topic, record.partition].append(record)

    async def write() -> None:
        writer = ProjectionWriter(connector(url), version=version)
        await writer.write(batch)
        await writer.close()

    asyncio.run(write())


def execute(url: str, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def database(url: str, name: str, template: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def two_versions(postgres_url: str, database_template: str) -> Iterator[str]:
    """The name of a database with two equal versions."""
    name = f"headrace_versions_{uuid4().hex[:12]}"
    url = database(postgres_url, name, database_template)
    project(url, a_log()[1])
    create_version(url, 2)
    copy_version(url, 1, 2)
    yield name
    drop(postgres_url, name)


@pytest.fixture
def url(postgres_url: str, two_versions: str) -> Iterator[str]:
    """A database of the test's own with two equal versions."""
    name = f"headrace_test_{uuid4().hex[:12]}"
    yield database(postgres_url, name, two_versions)
    drop(postgres_url, name)


def compare(url: str, **options: Any) -> ProjectionVerdict:
    chosen = VerifyOptions(**({"wait_seconds": 0.0} | options))
    with begin(url, verb="proj verify", subjects=(), scope={}, started_by="ann", run_id=uuid4()) as run:
        (verdict,) = verify(Settings(database_url=url), pairs(url, [LEADS]), chosen, run, lambda _: None)
    return verdict


def of(verdict: ProjectionVerdict, table: str) -> TableDifference:
    return next(one for one in verdict.tables if one.table == table)


def different(verdict: ProjectionVerdict) -> list[str]:
    return [one.table for one in verdict.tables if one.outcome == "different"]


def proj(url: str, *arguments: str) -> Finished:
    return headrace({"DATABASE_URL": url}, "proj", *arguments)


def test_equal_versions_are_equal_and_the_run_keeps_their_hashes(url: str) -> None:
    finished = proj(url, "verify", "leads", "--wait", "0")
    assert finished.exit_code == 0
    assert "Equal: every row is the same in both versions." in finished.output
    (run,) = find_runs(url)
    assert (run.verb, run.state, run.subjects) == ("proj verify", "done", [])
    assert run.result is not None
    kept = {table["table"]: table["version"] for table in run.result["verdicts"][0]["tables"]}
    assert kept["messages"]["rows"] == 40
    hashed = json.loads(proj(url, "hash", "leads", "--json").output)
    assert {one["table"]: one["content"] for one in hashed} == kept


def test_all_projections_are_compared_at_once(url: str) -> None:
    report = json.loads(proj(url, "verify", "--all", "--json", "--wait", "0").output.splitlines()[0])
    assert report["outcome"] == "equal"
    assert [one["projection"] for one in report["projections"]] == [one.name for one in ALL_PROJECTIONS]


def test_what_wrote_a_row_is_not_content_but_where_it_comes_from_is(url: str) -> None:
    execute(url, "UPDATE proj_v2.messages SET proj_rev = 7")
    assert compare(url).outcome == "equal"
    execute(url, "UPDATE proj_v2.messages SET src_offset = src_offset + 1 WHERE provider_message_id = '<7@mx>'")
    assert of(compare(url), "messages").changed == {"src_offset": 1}


DAMAGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a value": (
        "UPDATE proj_v2.messages SET channel = 'sms' WHERE provider_message_id = '<7@mx>'",
        "messages",
        {"changed": {"channel": 1}, "changed_rows": 1},
    ),
    "a value became null": (
        "UPDATE proj_v2.leads SET email = NULL WHERE email = '3@x.org'",
        "leads",
        {"changed": {"email": 1}, "changed_rows": 1},
    ),
    "null and blank are two things": (
        "UPDATE proj_v2.messages SET subject = '' WHERE provider_message_id = '<7@mx>'",
        "messages",
        {"changed": {"subject": 1}, "changed_rows": 1},
    ),
    "a row too few": (
        "DELETE FROM proj_v2.lead_merges",
        "lead_merges",
        {"only_in_against": 1, "changed_rows": 0},
    ),
    "a row too many": (
        "DELETE FROM proj_v1.lead_signals",
        "lead_signals",
        {"only_in_version": 1, "changed_rows": 0},
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_kind_of_difference_is_found_and_named(url: str, damage: str) -> None:
    statement, table, expected = DAMAGES[damage]
    execute(url, statement)
    verdict = compare(url)
    assert different(verdict) == [table]
    found = of(verdict, table)
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.differing_buckets, len(found.rows)) == (1, 1)


@pytest.mark.parametrize("buckets", [1, 3, 256])
def test_the_number_of_buckets_changes_nothing_but_the_way(url: str, buckets: int) -> None:
    execute(url, "UPDATE proj_v2.messages SET channel = 'sms' WHERE provider_message_id IN ('<7@mx>', '<8@mx>')")
    found = of(compare(url, buckets=buckets), "messages")
    assert found.changed == {"channel": 2}
    assert [row.kind for row in found.rows] == ["changed", "changed"]


def test_rows_are_named_by_key_place_and_values_but_nobodys_text_is_shown(url: str) -> None:
    execute(
        url,
        "UPDATE proj_v2.messages SET text = 'my number is 555', channel = 'sms' WHERE provider_message_id = '<7@mx>'",
    )
    ((id_, place),) = execute(
        url, "SELECT message_id, src_partition || '] offset ' || src_offset FROM proj_v1.messages WHERE text = 'text 7'"
    )
    hidden = proj(url, "verify", "leads", "--wait", "0")
    assert hidden.exit_code == 1
    assert "DIFFERENT" in hidden.output
    line = f"messages workspace_id=acme, message_id={id_} (messages[{place}): channel email → sms; "
    assert line + "text (6 characters) → (16 characters)" in hidden.output
    assert "number is" not in hidden.output + proj(url, "verify", "leads", "--wait", "0", "--json").output
    shown = proj(url, "verify", "leads", "--wait", "0", "--values")
    assert line + "text text 7 → my number is 555" in shown.output


def test_an_address_that_is_a_key_is_not_shown_either(url: str) -> None:
    execute(url, "UPDATE proj_v2.lead_identities SET is_alias = NOT is_alias WHERE value = '3@x.org'")
    hidden = proj(url, "verify", "leads", "--wait", "0").output
    assert "kind=email, value=(7 characters)" in hidden
    assert "3@x.org" not in hidden


def test_only_so_many_rows_are_named_but_all_are_counted(url: str) -> None:
    execute(url, "UPDATE proj_v2.messages SET channel = 'sms'")
    found = of(compare(url, show=3), "messages")
    assert (len(found.rows), found.changed) == (3, {"channel": 40})


@pytest.mark.parametrize("name", ["channel", "messages.channel"])
def test_what_was_meant_to_change_is_no_difference(url: str, name: str) -> None:
    execute(url, "UPDATE proj_v2.messages SET channel = 'sms'")
    finished = proj(url, "verify", "leads", "--wait", "0", "--expect-changed", name)
    assert finished.exit_code == 0
    assert "Only what you expected to change has changed." in finished.output
    execute(url, "UPDATE proj_v2.messages SET subject = 'x' WHERE provider_message_id = '<7@mx>'")
    verdict = compare(url, expect_changed=(name,))
    found = of(verdict, "messages")
    assert (verdict.outcome, found.changed) == ("different", {"channel": 40, "subject": 1})
    assert [set(row.columns) for row in found.rows] == [{"channel", "subject"}]


def test_a_row_too_few_is_a_difference_whatever_was_expected(url: str) -> None:
    execute(url, "DELETE FROM proj_v2.messages WHERE provider_message_id = '<7@mx>'")
    columns = tuple(
        row[0]
        for row in execute(
            url, "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", ["proj_v2.messages"]
        )
    )
    judged = tuple(name for name in columns if name not in ("workspace_id", "message_id", "proj_rev"))
    assert different(compare(url, expect_changed=judged)) == ["messages"]


def test_what_may_change_in_one_table_may_not_in_another(url: str) -> None:
    execute(url, "UPDATE proj_v2.leads SET receipt_id = gen_random_uuid()")
    assert different(compare(url, expect_changed=("messages.receipt_id",))) == ["leads"]


def test_a_column_of_one_version_alone_must_be_expected(url: str) -> None:
    execute(url, "ALTER TABLE proj_v2.leads ADD COLUMN score integer")
    found = of(compare(url), "leads")
    assert (found.outcome, found.unmatched_columns, found.changed_rows) == ("different", ("score",), 0)
    assert compare(url, expect_changed=("leads.score",)).outcome == "expected"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--expect-changed", "labell"), "None of the compared tables has a column labell."),
        (("--against", "9"), "leads has no version 9; there are 1, 2."),
        (("--version", "1"), "would be compared with itself"),
    ],
)
def test_slips_of_the_pen_are_refused(url: str, arguments: tuple[str, ...], sentence: str) -> None:
    refused = proj(url, "verify", "leads", *arguments)
    assert (refused.exit_code, sentence in refused.output) == (2, True)


def test_without_a_second_version_it_says_how_to_make_one(url: str) -> None:
    execute(url, "UPDATE ctl.projection_versions SET state = 'building'")
    with pytest.raises(VerifyImpossible, match="version 2 is being built"):
        pairs(url, [LEADS])
    execute(url, "DELETE FROM ctl.projection_versions")
    for what in ("leads", "--all"):
        refused = proj(url, "verify", what)
        assert (refused.exit_code, "--execute` builds one." in refused.output) == (2, True)
    assert proj(url, "verify").exit_code == 2
    assert "is no projection" in proj(url, "verify", "leeds").output


class _Clock:
    """Stands in for `time`: each pause is an opportunity for the writers, and takes a second."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._now = 0.0
        self._meanwhile = meanwhile

    def monotonic(self) -> float:
        return self._now

    def sleep(self, _seconds: float) -> None:
        self._now += 1.0
        self._meanwhile()


def test_it_waits_for_the_moment_in_which_both_have_read_the_same(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project(url, more(1), version=2)
    monkeypatch.setattr(verify_module, "time", _Clock(lambda: project(url, more(1), version=1)))
    verdict = compare(url, wait_seconds=5.0)
    assert (verdict.outcome, verdict.same_offsets, verdict.apart) == ("equal", True, 0)
    assert of(verdict, "messages").version.rows == 41


def test_if_that_moment_never_comes_the_keys_that_moved_are_left_out(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    records = more(8)
    project(url, records[:1], version=2)
    turns = iter(range(1, 7))

    def overtake() -> None:
        turn = next(turns)
        # Whoever was behind goes ahead by one: they are never level.
        project(url, records[: turn + 1], version=1 if turn % 2 else 2)

    monkeypatch.setattr(verify_module, "time", _Clock(overtake))
    verdict = compare(url, wait_seconds=5.0)
    assert (verdict.outcome, verdict.same_offsets, verdict.apart) == ("equal", False, 1)
    assert (of(verdict, "messages").left_out, of(verdict, "lead_activity").left_out) == (1, 1)
    execute(url, "UPDATE proj_v2.messages SET channel = 'sms' WHERE provider_message_id = '<7@mx>'")
    verdict = compare(url)
    assert (verdict.outcome, of(verdict, "messages").changed) == ("different", {"channel": 1})


def test_a_version_that_lacks_what_the_other_has_read_is_behind(url: str) -> None:
    project(url, more(2), version=1)
    finished = proj(url, "verify", "leads", "--wait", "0")
    assert finished.exit_code == 1
    assert "did not come to the same offsets: 2 records are read by one of them alone" in finished.output
    assert "Run verify again once it has caught up." in finished.output
    # A row from beyond what its version has read came from nowhere: it is not left out.
    execute(url, "UPDATE proj_v1.messages SET src_offset = 5000 WHERE provider_message_id = '<7@mx>'")
    assert of(compare(url), "messages").changed == {"src_offset": 1}


def test_what_retention_took_from_one_version_is_left_out(url: str) -> None:
    execute(url, "DELETE FROM proj_v2.messages WHERE src_partition = 0 AND src_offset < 10")
    assert different(compare(url)) == ["messages"]
    execute(url, "INSERT INTO ctl.expired_ranges VALUES ('leads', 2, 'messages', 0, 0, 10, now())")
    finished = proj(url, "verify", "leads", "--wait", "0")
    assert (finished.exit_code, "the log no longer has are left out" in finished.output) == (0, True)


ROWS = st.lists(
    st.tuples(
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5) | st.none(),
        st.integers(-(2**63), 2**63 - 1) | st.none(),
        st.lists(st.text('ab,"{}\\ ', max_size=3), max_size=2) | st.none(),
        st.floats(allow_nan=False) | st.none(),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def scratch(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE hashed (a text, b bigint, c text[], d double precision)")
        connection.execute(SESSION)
        yield connection


def hash_of(connection: psycopg.Connection[Any], rows: Sequence[tuple[Any, ...]]) -> tuple[int, str]:
    connection.execute("TRUNCATE hashed")
    connection.cursor().executemany("INSERT INTO hashed VALUES (%s, %s, %s, %s)", rows)
    found = content_hash(connection, sql.SQL("hashed AS t"), ["a", "b", "c", "d"])
    return found.rows, found.hash


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(scratch: psycopg.Connection[Any], rows: Any, random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert hash_of(scratch, rows) == hash_of(scratch, shuffled)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS.filter(bool), other=ROWS.filter(bool), data=st.data())
def test_one_other_field_gives_another_hash(
    scratch: psycopg.Connection[Any], rows: Any, other: Any, data: st.DataObject
) -> None:
    at, field = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 3))
    before, value = rows[at], other[0][field]
    changed = (*before[:field], value, *before[field + 1 :])
    hashes = [hash_of(scratch, rows), hash_of(scratch, [*rows[:at], changed, *rows[at + 1 :]])]
    # As Postgres writes them: -0.0 and 0.0 are two texts, and so are two contents.
    assert (hashes[0] == hashes[1]) == (repr(before[field]) == repr(value))


def test_how_a_database_likes_to_write_values_does_not_matter(url: str) -> None:
    before = proj(url, "hash", "--json").output
    name = make_url(url).database
    for setting in ("timezone = 'Asia/Kolkata'", "datestyle = 'German'", "extra_float_digits = -10"):
        execute(url, f'ALTER DATABASE "{name}" SET {setting}')
    assert proj(url, "hash", "--json").output == before


def test_a_killed_verify_leaves_nothing_behind_and_can_be_run_again(url: str) -> None:
    """Killed while it waits for a table, which stands for any moment within a comparison."""
    before = proj(url, "hash", "--json").output
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE proj_v2.lead_activity IN ACCESS EXCLUSIVE MODE")
        process = start(url, "proj", "verify", "leads", "--wait", "0")
        wait_until(lambda: waits_for_lock(url, "headrace-verify"))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        # Postgres notices that nobody waits for the answer, although the lock is still held.
        wait_until(lambda: not waits_for_lock(url, "headrace-verify"))
    (run,) = find_runs(url)
    wait_until(lambda: show_run(url, run.run_id).state == "interrupted")
    assert proj(url, "verify", "leads", "--wait", "0").exit_code == 0
    assert proj(url, "hash", "--json").output == before


def start(url: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [Path(sys.executable).with_name("headrace"), *arguments],
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def waits_for_lock(url: str, application: str) -> bool:
    query = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    return bool(execute(url, query, [application]))


def wait_until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not holds():
        pause.wait(0.02)
