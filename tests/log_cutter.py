"""Cuts the end off a stopped broker's logs, as a power loss or an unclean election does.

For tests alone. `Broker` is a real broker that can be stopped, cut and started again.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.dev.home import Home
from operations.dev.kafka import kafka, kafka_answers
from operations.dev.ports import free_ports
from operations.dev.program import kill, start
from tests.lifeline import kill_group, lifeline

_START_SECONDS = 60.0
#: What the broker noted about its logs besides their segments. Without it, all segments are read at the next start.
_NOTES = (".kafka_cleanshutdown", "recovery-point-offset-checkpoint", "replication-offset-checkpoint")
_SIDE_FILES = ("*.index", "*.timeindex", "*.txnindex", "*.snapshot", "leader-epoch-checkpoint")


def cut_logs(data: Path, size: int, is_cut: Callable[[str], bool] = lambda topic: not topic.startswith("__")) -> None:
    """Take the last `size` bytes of the newest segment of every partition whose topic is to be cut.

    `data` is the log directory of a broker that does not run. Where a segment is smaller, it is empty afterwards. A
    batch that is cut in the middle is dropped by the broker when it starts.
    """
    for note in _NOTES:
        (data / note).unlink(missing_ok=True)
    for directory in sorted(path for path in data.iterdir() if path.is_dir()):
        topic, _, number = directory.name.rpartition("-")
        if number.isdigit() and is_cut(topic):
            newest = max(directory.glob("*.log"))
            os.truncate(newest, max(0, newest.stat().st_size - size))
            for pattern in _SIDE_FILES:
                for file in directory.glob(pattern):
                    file.unlink()


class Broker:
    """A broker on one port, started and killed as often as a test wants."""

    def __init__(self, home: Home) -> None:
        port, self._controller_port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        self._home = home
        self._port = port

    @property
    def data(self) -> Path:
        """Its log directory."""
        return self._home.kafka / "data"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Started, and killed at the end of the block without a chance to flush or note anything."""
        program = kafka(self._home.kafka, self._port, self._controller_port, os.environ)
        with self._home.log(program.name).open("ab") as output:
            process = start(program, output)
        with lifeline(kill_group(process.pid)):
            try:
                give_up = time.monotonic() + _START_SECONDS
                while not kafka_answers(self.bootstrap):
                    assert process.poll() is None, (
                        f"the broker ended: {self._home.log(program.name).read_text()[-2000:]}"
                    )
                    assert time.monotonic() < give_up, "the broker does not answer"
                    time.sleep(0.1)
                yield
            finally:
                kill(process)
                process.wait()
