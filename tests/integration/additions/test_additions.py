"""A provider is a file and a line, a job a tuple, a read model a file and a line: each is added to a copy and used.

The copy is all of Headrace's source in a folder of its own; what runs there knows no other code.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ROOMS = ("headrace", "ingest", "streams", "projections", "operations")


class Copy:
    """Headrace's source, to be added to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for room in ROOMS:
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))

    def add_file(self, name: str, folder: str) -> None:
        """The one file."""
        shutil.copy(HERE / name, self.folder / folder / name)

    def add_line(self, file: str, line: str, after: str) -> None:
        """The one line, behind the last one that begins so."""
        lines = (self.folder / file).read_text().splitlines(keepends=True)
        last = max(number for number, text in enumerate(lines) if text.startswith(after))
        lines.insert(last + 1, f"{line}\n")
        (self.folder / file).write_text("".join(lines))

    def headrace(self, *arguments: str, exits: int = 0, **environment: str) -> str:
        """What the command prints."""
        return self.run("-c", "from operations.cli.main import main; main()", *arguments, exits=exits, **environment)

    def run(self, *arguments: str | Path, exits: int = 0, **environment: str) -> str:
        """What Python prints there."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == exits, done.stderr
        return done.stdout

    def use(self, program: str, *arguments: str) -> Any:
        """What one of the programs beside this file tells."""
        return json.loads(self.run(HERE / program, *arguments))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A copy that nothing was added to, and of which nothing else can be imported."""
    made = Copy(tmp_path)
    where = made.run("-c", f"import {', '.join(ROOMS)}; print(*(m.__file__ for m in ({', '.join(ROOMS)})))")
    assert where.split() == [str(tmp_path / room / "__init__.py") for room in ROOMS]
    return made


def test_a_provider_is_one_file_and_one_line(copy: Copy) -> None:
    copy.add_file("toy.py", "headrace/providers")
    line = '    "toy": Provider(job="SMS_INBOUND_POST_PROCESS", person_id="toy_person"),'
    copy.add_line("headrace/events/providers.py", line, after='    "emailbison"')

    assert copy.use("use_provider.py") == {
        "paths": ["/api/toy", "/webhooks/toy"],
        "topic": "webhooks.toy",
        "key": "acme:toy:said:m1",
        "verdict": "fresh",
        "text": "Tell me more",
        "identities": ["toy_person", "phone"],
        "is readable": True,
        "jobs": 2,
    }
    assert "toy" in copy.headrace("replay", "webhooks", "--help")


def test_a_job_is_one_tuple(copy: Copy) -> None:
    line = '    PlannedJob("TOY_JOB", ("opt_out_and_bounce", "lead_state"), after=(SCORING,)),'
    copy.add_line("headrace/events/job_plan.py", line, after="    PlannedJob(")

    assert copy.use("use_job.py") == {
        "type": "TOY_JOB",
        "asked for by": "LEAD_SCORING_POST_PROCESS",
        "is one of the message's": True,
        "all steps done": True,
        "concluded": ["MessageClassified", "LeadSuppressed", "LeadStateChanged"],
    }


def test_a_read_model_is_one_file_and_one_line(copy: Copy, database_url: str) -> None:
    """The database is one that the program without it has made."""
    copy.add_file("toys.py", "projections/projectors")
    copy.add_line("projections/read_models.py", '    "toys",', after='    "')

    assert "toys" in copy.headrace("proj", "verify", "--help")
    assert "no tables for toys yet" in copy.headrace("db", "status", exits=1, DATABASE_URL=database_url)
    assert "toys" in copy.headrace("db", "migrate", DATABASE_URL=database_url)
    assert "up to date" in copy.headrace("db", "status", DATABASE_URL=database_url)
    assert copy.use("use_read_model.py", database_url) == {
        "rows": [["acme", "interested", 0]],
        "versions": [[1, "live", True]],
    }
