"""Two machines have different instance ids by default, the same after each restart, and none that Kafka refuses."""

import pytest
from pydantic import ValidationError

from headrace.settings import Settings


@pytest.mark.parametrize(
    ("host", "expected"),
    [("db-7.example.com", "db-7.example.com"), ("Mara's Mac", "Mara-s-Mac"), ("", "0"), ("ü", "0")],
)
def test_it_is_the_machine_s_name(monkeypatch: pytest.MonkeyPatch, host: str, expected: str) -> None:
    monkeypatch.delenv("HEADRACE_INSTANCE_ID", raising=False)
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert Settings().instance_id == expected


@pytest.mark.parametrize("wrong", ["", "a b", "a/b", "x" * 101])
def test_what_is_no_name_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("HEADRACE_INSTANCE_ID", wrong)
    with pytest.raises(ValidationError, match=r"(?i)instance_id"):
        Settings()
