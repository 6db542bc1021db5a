"""Tables like those of the read model, for the time of a rebuild or a repair: unlogged, because the log has it all."""

from typing import Any

from psycopg import Connection
from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.types import TypeEngine

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def unlogged_copy(table: Table, schema: str, *, keyed: bool) -> Table:
    """A table of the same name and columns, without indexes; with the primary key only if `keyed`."""
    return Table(
        table.name,
        MetaData(),
        *(
            Column(
                column.name,
                column.type,
                primary_key=keyed and column.primary_key,
                autoincrement=False,
                nullable=column.nullable,
                info=column.info,
            )
            for column in table.columns
        ),
        schema=schema,
        prefixes=["UNLOGGED"],
    )


def run_ddl(connection: Connection[Any], element: ExecutableDDLElement) -> None:
    """Execute it. Raises psycopg.Error."""
    connection.execute(str(element.compile(dialect=_DIALECT)).encode())


def type_name(type_: TypeEngine[Any]) -> str:
    """The type's name in Postgres."""
    return type_.compile(_DIALECT).lower()
