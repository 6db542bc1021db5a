"""A name in a group is one process's: whoever comes second says who has it, and the first one is not disturbed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headrace.exit_status import NEEDS_A_PERSON
from headrace.kafka.faust.claim import Claim, FolderTaken, Namesake, NameTaken, refuse_namesake

HOLDS = """
import sys
from pathlib import Path
from headrace.kafka.faust.claim import Claim
claim = Claim(Path(sys.argv[1]))
claim.take()
print("taken", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    arguments = [sys.executable, "-c", HOLDS, str(folder)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        yield process
        process.kill()


def test_a_folder_is_one_process_s_and_the_refusal_names_it(tmp_path: Path) -> None:
    with holder(tmp_path / "jobs" / "a") as process, pytest.raises(FolderTaken) as refused:
        Claim(tmp_path / "jobs" / "a").take()
    assert f"pid {process.pid}" in str(refused.value)
    assert "HEADRACE_INSTANCE_ID" in str(refused.value)
    assert refused.value.status == NEEDS_A_PERSON


def test_a_killed_process_leaves_the_folder_to_the_next(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
        process.wait()
        claim = Claim(tmp_path)
        claim.take()
        claim.release()


def test_it_remembers_what_it_was_in_its_group(tmp_path: Path) -> None:
    claim = Claim(tmp_path)
    claim.take()
    assert claim.was() == ""
    claim.joined("headrace-1")
    claim.release()
    assert Claim(tmp_path).was() == "headrace-1"


def looks(*found: list[Namesake]) -> Iterator[list[Namesake]]:
    yield from found
    while True:
        yield found[-1]


@pytest.mark.parametrize(
    "found",
    [
        [[]],
        [[Namesake("own", "/10.0.0.1")]],
        [[Namesake("other", "/10.0.0.2")], [Namesake("other", "/10.0.0.2")], []],
    ],
    ids=["nobody", "its former self", "one that is gone with its session"],
)
def test_who_is_nobody_else_is_let_in(found: list[list[Namesake]]) -> None:
    look = looks(*found)
    refuse_namesake("jobs", "a", "own", lambda: next(look), 12, lambda _: None)


def test_a_live_namesake_is_named_and_keeps_its_place() -> None:
    slept: list[float] = []
    with pytest.raises(NameTaken) as refused:
        refuse_namesake("jobs", "a", "own", lambda: [Namesake("other", "/10.0.0.2")], 12, slept.append)
    assert "10.0.0.2" in str(refused.value)
    assert "HEADRACE_INSTANCE_ID" in str(refused.value)
    assert (sum(slept), refused.value.status) == (12, NEEDS_A_PERSON)
