"""The analysts' guide is true: its queries run as an analyst, and it explains every column there is."""

import re
from pathlib import Path

import psycopg

GUIDE = (Path(__file__).parents[3] / "docs" / "analysts.md").read_text(encoding="utf-8")


def test_its_queries_run_for_an_analyst(database_url: str) -> None:
    queries = [block for block in re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL) if block.startswith("SELECT")]
    assert len(queries) == 8
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE analyst_ro")
        for query in queries:
            connection.execute(query.encode())


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
