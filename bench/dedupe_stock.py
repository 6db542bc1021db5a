"""The yardstick of the dedupe stage: an agent that does nothing, on Faust as it comes."""

from pathlib import Path

import faust
from faust.types import StreamT

from bench.stopwatch import Stopwatch, task


def main() -> None:
    """Read the topic to its end, until SIGTERM."""
    given = task()
    watch = Stopwatch(given.messages, Path(given.result))
    # The web server is no part of an agent; everything else is the default.
    app = faust.App(given.run, broker=f"kafka://{given.bootstrap}", datadir=given.directory, web_enabled=False)
    source = app.topic(given.source, key_serializer="raw", value_serializer="raw")

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def nothing(stream: StreamT[bytes]) -> None:
        async for _message in stream:
            watch.begin()
            watch.done(1)

    faust.Worker(app, loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main()
