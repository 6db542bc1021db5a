"""The peer of the dedupe stage: the same dedupe in Quix Streams, run in the environment of peers.lock."""

# mypy: disable-error-code="import-not-found,no-any-unimported"
from pathlib import Path

from quixstreams import Application, State

from bench.stopwatch import Stopwatch, task


def main() -> None:
    """Forward the first message of each key, until SIGTERM."""
    given = task()
    watch = Stopwatch(given.messages, Path(given.result))
    app = Application(
        broker_address=given.bootstrap,
        consumer_group=given.run,
        auto_offset_reset="earliest",
        state_dir=given.directory,
        loglevel="WARNING",
    )
    source = app.topic(given.source, value_deserializer="bytes")
    target = app.topic(given.target, value_serializer="bytes")

    def is_first(_value: bytes, state: State) -> bool:
        watch.begin()
        first = not state.exists("seen")
        if first:
            state.set_bytes("seen", b"1")
        watch.done(1)
        return first

    app.dataframe(source).filter(is_first, stateful=True).to_topic(target)
    app.run()


if __name__ == "__main__":
    main()
