"""How far the live projections are: what stands below is a row, or was set aside."""

from typing import Any

import psycopg

from headrace.kafka.log_offsets import Place
from projections.named_sql import NamedSql

_SQL = NamedSql(__file__)


def projected_to(connection: psycopg.Connection[Any]) -> dict[Place, int]:
    """The next offset of each live projection, by partition of its topic. Raises psycopg.Error."""
    rows = connection.execute(_SQL["projected"])
    return {(topic, partition): offset for topic, partition, offset in rows}
