"""Ports are checked before anything starts, and the sentence names the variable that chooses another."""

import socket

import pytest

from operations.dev.cannot_start import CannotStart
from operations.dev.ports import free_ports, is_free, require_free
from operations.dev.settings import DevSettings


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(map(is_free, ports))


def test_all_taken_ports_are_refused_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        taken = [server.getsockname()[1] for server in (one, other)]
        (free,) = free_ports(1)
        with pytest.raises(CannotStart) as refusal:
            require_free([(taken[0], "Kafka", "HEADRACE_KAFKA_PORT"), (free, "x", "X"), (taken[1], "ingest", "Y")])
    told = str(refusal.value)
    assert told.startswith(f"In use: port {taken[0]} for Kafka (HEADRACE_KAFKA_PORT), port {taken[1]} for ingest (Y). ")
    assert str(free) not in told
    assert told.endswith("`docker compose up` is the other way to run Headrace.")
    require_free([(free, "x", "X")])


def test_ports_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    variables = [variable for _, _, variable in DevSettings().ports]
    for number, name in enumerate(variables, start=7000):
        monkeypatch.setenv(name, str(number))
    assert [port for port, _, _ in DevSettings().ports] == [7000, 7001, 7002, 7003, 7004]


def test_given_services_need_no_ports() -> None:
    settings = DevSettings(kafka_bootstrap="broker:9092", database_url="postgresql://db/x")
    assert [variable for _, _, variable in settings.ports] == ["HEADRACE_INGEST_PORT", "HEADRACE_SANDBOX_PORT"]
    assert settings.bootstrap == "broker:9092"
