"""CPU time and memory of a process are those it says it has, also once it has ended."""

import subprocess
import sys

from bench.usage_watch import UsageWatch

_PROGRAM = """
import time
block = bytearray(100_000_000)
while time.process_time() < 0.5:
    pass
print(time.process_time(), flush=True)
"""


def test_what_a_process_used_is_known_after_its_end() -> None:
    nobody = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True)
    with UsageWatch(process.pid, nobody.pid) as usage:
        told, _ = process.communicate(timeout=60)
    nobody.communicate(b"\n")
    assert 0.3 < usage.client_cpu_seconds <= float(told) + 0.1
    assert usage.postgres_cpu_seconds < 0.3
    assert 100_000_000 < usage.largest_process_bytes < 300_000_000
    assert usage.peak_bytes >= usage.largest_process_bytes
