"""How far the live projections are: what stands below is a row, or was set aside."""

from typing import Any

import psycopg

from headrace.kafka.log_offsets import Place
from operations.statements import statement


def projected_to(connection: psycopg.Connection[Any]) -> dict[Place, int]:
    """The next offset of each live projection, by partition of its topic. Raises psycopg.Error."""
    rows = connection.execute(statement(__package__, "projected"))
    return {(topic, partition): offset for topic, partition, offset in rows}
