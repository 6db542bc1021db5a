"""Puts one view in place of another without taking a column from anybody: analysts build on views, and so do theirs."""

from typing import Any

import psycopg
from psycopg import sql

from headrace.refusal import Refusal
from projections.tables import ANALYTICS_SCHEMA

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


class ViewRefused(Refusal):
    """Postgres can't put the view in place of the one there is; the message says why and what to do."""


def replace_view(connection: psycopg.Connection[Any], name: str, statement: str) -> None:
    """Run a CREATE OR REPLACE VIEW of `analytics`, in the caller's transaction.

    A program that does not know columns which a newer one added keeps them, empty: a rollback takes no column away.
    Raises ViewRefused.
    """
    try:
        with connection.transaction():
            connection.execute(statement.encode())
    except psycopg.errors.InvalidTableDefinition as error:
        _keeping_columns(connection, name, statement, error)
    except psycopg.errors.UndefinedColumn as error:
        raise ViewRefused(
            f"{ANALYTICS_SCHEMA}.{name} reads a column that the live tables lack ({error.diag.message_primary}): "
            "promote the projection that has it first, or both at once."
        ) from error


def _keeping_columns(
    connection: psycopg.Connection[Any], name: str, statement: str, error: psycopg.errors.InvalidTableDefinition
) -> None:
    head, _, query = statement.partition(" AS\n")
    body = query.rstrip().removesuffix(";")
    found = connection.execute(f"SELECT w.* FROM (\n{body}\n) AS w LIMIT 0".encode())  # noqa: S608 - our own view
    known = [column.name for column in found.description or []]
    there = connection.execute(_COLUMNS.encode(), [f"{ANALYTICS_SCHEMA}.{name}"]).fetchall()
    lacking = there[len(known) :]
    empty = sql.SQL(", ").join(
        sql.SQL("NULL::{} AS {}").format(sql.SQL(type_), sql.Identifier(column)) for column, type_ in lacking
    )
    kept = f"{head} AS\nSELECT w.*, {empty.as_string(connection)}\nFROM (\n{body}\n) AS w"
    try:
        if not lacking:
            raise error
        connection.execute(kept.encode())
    except psycopg.errors.InvalidTableDefinition as refused:
        raise ViewRefused(
            f"{ANALYTICS_SCHEMA}.{name} can't take the place of the view there is ({refused.diag.message_primary}): "
            "a view only gains columns, at its end. Give a changed or removed one a new name."
        ) from error
