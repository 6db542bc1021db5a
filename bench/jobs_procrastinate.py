"""The peer of the jobs queue: jobs that do nothing in procrastinate, run in the environment of peers.lock.

Its only argument is a `PeerTask` as JSON. From the first job deferred to the last one done, with one worker running.
"""

# mypy: disable-error-code="import-not-found,no-any-unimported,untyped-decorator"
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class PeerTask:
    """What the peer has to do."""

    #: A libpq connection string, to an empty database.
    database: str
    jobs: int
    concurrency: int
    #: Where the result goes: seconds as JSON.
    result: str


_DEFERRED_AT_ONCE = 1_000


def argument(task: PeerTask) -> str:
    """This program's argument."""
    return json.dumps(asdict(task))


async def _run(task: PeerTask) -> float:
    from procrastinate import App, PsycopgConnector  # noqa: PLC0415 - only the peer's environment has it

    app = App(connector=PsycopgConnector(conninfo=task.database, max_size=10))
    done = 0
    finished = asyncio.Event()

    @app.task(name="nothing")
    async def nothing() -> None:
        nonlocal done
        done += 1
        if done == task.jobs:
            finished.set()

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=task.concurrency, fetch_job_polling_interval=0.1, install_signal_handlers=False
            )
        )
        # It waits for its first notification by then.
        await asyncio.sleep(1)
        began = time.perf_counter()
        for first in range(0, task.jobs, _DEFERRED_AT_ONCE):
            await nothing.batch_defer_async(*[{} for _ in range(min(_DEFERRED_AT_ONCE, task.jobs - first))])
        await finished.wait()
        seconds = time.perf_counter() - began
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        return seconds


def main() -> None:
    """Do the task and write the result."""
    task = PeerTask(**json.loads(sys.argv[1]))
    seconds = asyncio.run(_run(task))
    partial = Path(task.result).with_suffix(".partial")
    partial.write_text(json.dumps(seconds))
    partial.rename(task.result)


if __name__ == "__main__":
    main()
