"""What processes and other programs are told about the stack."""

import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from headrace.settings import Settings
from operations.dev.environment import (
    process_environment,
    secrets_key,
    shell_file,
    with_own_metrics_port,
    write_private,
)
from operations.dev.settings import DevSettings


@pytest.fixture
def stack(tmp_path: Path) -> DevSettings:
    settings = DevSettings(home=tmp_path, kafka_bootstrap=None, database_url=None, kafka_port=1234, ingest_port=4321)
    settings.files.create()
    return settings


def test_a_shell_reads_the_file(stack: DevSettings) -> None:
    url = "postgresql://u:a'b $HOME@127.0.0.1:1/x"
    write_private(stack.files.environment, shell_file(stack, url, "key=", {}))
    script = '. "$0"; printf "%s\\n" "$KAFKA_BOOTSTRAP" "$DATABASE_URL" "$HEADRACE_INGEST_URL" "$HEADRACE_SECRETS_KEY"'
    answer = subprocess.run(["sh", "-c", script, stack.files.environment], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["127.0.0.1:1234", url, "http://127.0.0.1:4321", "key="]


def test_what_shapes_the_topics_is_told_to_other_programs_too(stack: DevSettings) -> None:
    inherited = {"HEADRACE_PARTITIONS": "3", "HEADRACE_TOPIC_PREFIX": "eu.", "HEADRACE_BULK_RATE": "7", "HOME": "/"}
    assert _sourced(shell_file(stack, "postgresql://x/y", "key", inherited)).items() >= {
        ("HEADRACE_PARTITIONS", "3"),
        ("HEADRACE_TOPIC_PREFIX", "eu."),
    }
    assert "HEADRACE_PARTITIONS" not in shell_file(stack, "postgresql://x/y", "key", {"HEADRACE_PARTITIONS": ""})


def test_a_shell_that_read_the_file_starts_the_same_stack_again(
    stack: DevSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in _sourced(shell_file(stack, "postgresql://own/x", "key", {})).items():
        monkeypatch.setenv(name, value)
    again = DevSettings()
    assert (again.kafka_bootstrap, again.database_url) == (None, None)
    # What the person says afterwards counts.
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "broker:9092")
    assert DevSettings().kafka_bootstrap == "broker:9092"


def test_services_that_were_given_stay_given(stack: DevSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    given = stack.model_copy(update={"kafka_bootstrap": "broker:9092", "database_url": "postgresql://db/x"})
    for name, value in _sourced(shell_file(given, "postgresql://db/x", "key", {})).items():
        monkeypatch.setenv(name, value)
    again = DevSettings()
    assert (again.kafka_bootstrap, again.database_url) == ("broker:9092", "postgresql://db/x")


def _sourced(lines: str) -> dict[str, str]:
    """The variables that a shell has after reading the lines."""
    script = f"{lines}env -0"
    answer = subprocess.run(["env", "-i", "sh", "-c", script], capture_output=True, text=True, check=True)
    return dict(
        pair.split("=", 1) for pair in answer.stdout.split("\0") if pair.startswith(("HEADRACE", "KAFKA", "DATA"))
    )


def test_only_the_owner_can_read_it(stack: DevSettings) -> None:
    write_private(stack.files.environment, "first")
    write_private(stack.files.environment, "second")
    assert stack.files.environment.read_text() == "second"
    assert stack.files.environment.stat().st_mode & 0o777 == 0o600


def test_the_key_is_drawn_once(stack: DevSettings) -> None:
    key = secrets_key(stack)
    Fernet(key)
    assert secrets_key(stack) == key
    assert stack.files.secrets_key.stat().st_mode & 0o777 == 0o600


def test_a_given_key_is_used_and_not_kept(stack: DevSettings) -> None:
    assert secrets_key(stack.model_copy(update={"secrets_key": SecretStr("given")})) == "given"
    assert not stack.files.secrets_key.exists()


def test_processes_get_the_stack_and_all_else(stack: DevSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    inherited = {"PATH": "/bin", "HEADRACE_PARTITIONS": "3", "HEADRACE_LOG_LEVEL": "ERROR", "DATABASE_URL": "old"}
    environment = process_environment(stack, "postgresql://new/x", "key", inherited)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.kafka_bootstrap, settings.database_url) == ("127.0.0.1:1234", "postgresql://new/x")
    assert (settings.partitions, settings.ingest_port) == (3, 4321)
    assert settings.data_dir == stack.files.tables
    assert environment["PATH"] == "/bin"
    # Above this level the workers' ready line would not be seen.
    assert settings.log_level == "INFO"


def test_the_log_format_and_the_data_directory_can_be_chosen(stack: DevSettings) -> None:
    inherited = {"HEADRACE_LOG_FORMAT": "json", "HEADRACE_DATA_DIR": "/elsewhere", "HEADRACE_LOG_LEVEL": "DEBUG"}
    assert inherited.items() <= process_environment(stack, "postgresql://x/x", "key", inherited).items()


def test_each_process_has_a_port_of_its_own_for_metrics() -> None:
    ports = [with_own_metrics_port({"HEADRACE_METRICS_PORT": "9100"}, number) for number in range(3)]
    assert [one["HEADRACE_METRICS_PORT"] for one in ports] == ["9100", "9101", "9102"]
    for nowhere in ({}, {"HEADRACE_METRICS_PORT": "0"}, {"HEADRACE_METRICS_PORT": ""}):
        assert with_own_metrics_port(nowhere, 2) == nowhere
