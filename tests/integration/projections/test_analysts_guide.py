"""The analysts' guide is true: its queries run as an analyst, and it explains every column there is."""

import re
from pathlib import Path

import psycopg

from bench.analysts import questions
from headrace.events.meanings import Value, all_values
from projections.migrate import upgrade
from projections.read_models import READ_MODELS

GUIDE = (Path(__file__).parents[3] / "docs" / "analysts.md").read_text(encoding="utf-8")


def test_its_queries_run_for_an_analyst(database_url: str) -> None:
    asked = questions()
    # None is overlooked: every block but the one that makes a login.
    assert len(asked) == GUIDE.count("```sql") - 1
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE analyst_ro")
        for question in asked:
            connection.execute(question.sql.encode())


def test_it_explains_every_column(database_url: str) -> None:
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", GUIDE, re.DOTALL | re.MULTILINE))
    with psycopg.connect(database_url) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'analytics'"
        ).fetchall()
    explained = {
        (view, column)
        for view, section in sections.items()
        for cell in re.findall(r"^\| ([\w, ]+) \|", section, re.MULTILINE)
        for column in cell.split(", ")
        if column != "column"
    }
    assert explained == set(columns)


def test_it_names_every_projection() -> None:
    (line,) = (line for line in GUIDE.splitlines() if line.startswith("| projection, topic |"))
    assert [name for name in READ_MODELS if f"`{name}`" not in line] == []


def test_every_value_there_is_has_its_meaning_in_the_database(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT view_name, column_name, value, meaning FROM analytics.value_meanings")
        assert {Value(*row) for row in found} == set(all_values())
        columns = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'analytics'"
        ).fetchall()
    assert {(one.view, one.column) for one in all_values()} <= set(columns)


def test_migrating_again_puts_meanings_right(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE ctl.value_meanings SET meaning = 'old' WHERE value = 'Neutral'")
        connection.execute("INSERT INTO ctl.value_meanings VALUES ('messages', 'channel', 'pigeon', 'gone')")
        upgrade(database_url)
        found = connection.execute("SELECT view_name, column_name, value, meaning FROM ctl.value_meanings")
        assert {Value(*row) for row in found} == set(all_values())
