"""The command's front door: lazy, and plain about settings it can't use."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli.main import COMMANDS, app, environment_name, main

runner = CliRunner()


def test_help_names_every_command_with_its_purpose() -> None:
    text = runner.invoke(app, ["--help"], env={"COLUMNS": "120"}).output
    for name, (_module, purpose) in COMMANDS.items():
        assert name in text
        assert purpose in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = runner.invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_a_command_imports_nothing_of_the_others() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from cli.main import app;"
        "CliRunner().invoke(app, ['topics', '--help']);"
        "print([m for m in ('faust', 'fastapi', 'sqlalchemy', 'alembic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_command_is_refused() -> None:
    result = runner.invoke(app, ["topcs"])
    assert result.exit_code == 2


def test_an_unusable_setting_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_PARTITIONS", "none")
    monkeypatch.setattr(sys, "argv", ["headrace", "topics", "list"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("HEADRACE_PARTITIONS is not usable: ")


def test_settings_are_named_as_the_environment_has_them() -> None:
    assert environment_name(("KAFKA_BOOTSTRAP",)) == "KAFKA_BOOTSTRAP"
    assert environment_name(("body_limit",)) == "HEADRACE_BODY_LIMIT"
