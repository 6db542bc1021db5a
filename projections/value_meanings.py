"""Keeps `ctl.value_meanings` as this program declares it, so that a new value needs no migration."""

from sqlalchemy import Connection, insert, select

from headrace.events.meanings import Value, all_values
from projections.tables import CTL_SCHEMA, ctl_metadata


def write_value_meanings(connection: Connection) -> None:
    """Replace what is there, in the caller's transaction; nothing when it says so already."""
    table = ctl_metadata().tables[f"{CTL_SCHEMA}.value_meanings"]
    declared = set(all_values())
    there = {Value(*row) for row in connection.execute(select(table))}
    if there == declared:
        return
    connection.execute(table.delete())
    names = [column.name for column in table.columns]
    connection.execute(insert(table), [dict(zip(names, value, strict=True)) for value in sorted(declared)])
