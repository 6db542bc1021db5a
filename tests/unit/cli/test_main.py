"""The command's front door: lazy, and plain about settings it can't use."""

import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from operations.cli.main import COMMANDS, app, environment_name, main, whole_command

runner = CliRunner()

#: Each takes long to import, and no help needs any.
HEAVY = {
    "aiokafka",
    "alembic",
    "asyncio",
    "confluent_kafka",
    "cryptography",
    "fastapi",
    "faust",
    "lxml",
    "numpy",
    "openai",
    "phonenumbers",
    "psycopg",
    "pydantic_settings",
    "rocksdict",
    "sklearn",
    "sqlalchemy",
    "structlog",
    "yaml",
}


def verbs(command: Any, name: str) -> list[str]:
    """The command and all that is below it, such as `proj` and `proj status`."""
    below = getattr(command, "commands", {})
    return [name, *(verb for part, inner in below.items() for verb in verbs(inner, f"{name} {part}"))]


def imported_by(*lines: str) -> set[str]:
    """The modules that a process has which ran these commands."""
    script = (
        "import sys; from operations.cli.main import app; from typer.testing import CliRunner\n"
        "for line in sys.argv[1:]:\n"
        "    done = CliRunner().invoke(app, line.split())\n"
        "    assert done.exit_code == 0, (line, done.output)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, *lines], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def completed(line: str) -> set[str]:
    """What bash offers for the last word of a line."""
    words = line.split(" ")
    environment = {"_HEADRACE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = runner.invoke(app, [], prog_name="headrace", env=environment)
    return set(done.output.split())


def test_help_names_every_command_with_its_purpose() -> None:
    text = runner.invoke(app, ["--help"], env={"COLUMNS": "120"}).output
    for name, purpose in COMMANDS.items():
        assert name in text
        assert purpose in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = runner.invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_imports_no_command() -> None:
    assert imported_by("--help") & {"pydantic", *(f"operations.cli.{name}" for name in COMMANDS)} == set()
    assert imported_by("--help") & HEAVY == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_verbs_imports_nothing_heavy(name: str) -> None:
    assert imported_by(*(f"{verb} --help" for verb in verbs(whole_command(name), name))) & HEAVY == set()


def test_a_verb_imports_only_what_it_works_with() -> None:
    imported = imported_by("topics describe --json")
    assert "headrace.kafka.topics" in imported
    assert imported & {"faust", "sqlalchemy", "psycopg", "lxml", "operations.records.topic_reader"} == set()


@pytest.mark.parametrize(
    "module", ["jobs.job_list", "letters.letter_list", "versions.status", "versions.verify", "audit.audit", "runs.runs"]
)
def test_what_reads_rows_does_not_load_their_declarations(module: str) -> None:
    script = f"import sys, operations.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"sqlalchemy", "faust", "projections.tables"} == set()


def test_an_error_that_somebody_can_mend_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    result = runner.invoke(app, ["runs", "list"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Postgres can't be reached (")


def test_completion_knows_commands_without_importing_them_and_the_options_of_verbs() -> None:
    assert completed("headrace wo") == {"workspace"}
    assert completed("headrace proj r") == {"rebuild", "repair", "rollback"}
    assert "--follow" in completed("headrace dev logs --f")


def test_an_unknown_command_is_refused() -> None:
    result = runner.invoke(app, ["topcs"])
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("name", "command"), [("HEADRACE_PARTITIONS", "topics list"), ("HEADRACE_KAFKA_PORT", "dev status")]
)
def test_an_unusable_setting_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    monkeypatch.setenv(name, "none")
    monkeypatch.setattr(sys, "argv", ["headrace", *command.split()])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith(f"{name} is not usable: ")


def test_settings_that_contradict_each_other_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_MIN_INSYNC_REPLICAS", "2")
    monkeypatch.setattr(sys, "argv", ["headrace", "topics", "list"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("HEADRACE_MIN_INSYNC_REPLICAS is 2, but HEADRACE_REPLICATION_FACTOR is 1: ")


def test_settings_are_named_as_the_environment_has_them() -> None:
    assert environment_name(("KAFKA_BOOTSTRAP",)) == "KAFKA_BOOTSTRAP"
    assert environment_name(("body_limit",)) == "HEADRACE_BODY_LIMIT"
