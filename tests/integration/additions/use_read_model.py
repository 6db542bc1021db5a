"""The toy read model written by the writer of the worker, in a database that `headrace db migrate` made."""

import asyncio
import json
import sys
from datetime import UTC, datetime

import psycopg

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.inbox import Identity, InboxSignal
from headrace.events.records import Record
from projections.connection import connector
from projections.registry import ALL_PROJECTIONS
from projections.versions import is_known_shape, versions
from projections.writing.writer import ProjectionWriter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SIGNAL = InboxSignal(
    receipt_id="r1",
    workspace="acme",
    provider="unipile",
    provider_event="x",
    identities=(Identity(kind="email", value="mara@clinics.example"),),
    signal="interested",
    occurred_at=NOW,
    received_at=NOW,
)


async def write(url: str) -> None:
    headers = Envelope(id="e1", type="inbox.signal.v1", source="/t", time=NOW).headers()
    record = Record("inbox", 0, 0, b"acme", Codec().encode(SIGNAL), headers, 0)
    (toys,) = (one for one in ALL_PROJECTIONS if one.name == "toys")
    writer = ProjectionWriter(connector(url), projections=(toys,))
    await writer.write({("inbox", 0): [record]})
    await writer.close()


def main() -> None:
    url = sys.argv[1]
    asyncio.run(write(url))
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT workspace_id, signal, src_offset FROM proj_v1.toys").fetchall()
        listed = [one for one in versions(connection) if one.projection == "toys"]
    told = {"rows": rows, "versions": [(one.version, one.state, is_known_shape(one)) for one in listed]}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
