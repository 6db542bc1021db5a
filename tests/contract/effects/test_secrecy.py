"""Keys and texts reach the provider and nothing else: no log at any level, no outcome, no output of errors."""

import logging
from typing import Any

import pytest

from headrace.events.providers import PROVIDERS
from operations.dev.sandbox.script import Rule
from tests.outside import TEXT, Outside

FAULTS: tuple[Any, ...] = (
    "rate_limited",
    "unauthorised",
    "error_after",
    "reset_after",
    "half_answer",
    "error_inside",
    "page",
)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_key_and_no_text_is_logged_or_told(
    outside: Outside, provider: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[Any] = [await outside.send(outside.reply(provider))]
    told.append(await outside.find(outside.reply(provider)))
    for fault in FAULTS:
        outside.world.script.add(Rule(fault=fault, provider=provider, times=2))
        told += [await outside.send(outside.reply(provider)), await outside.find(outside.reply(provider))]
    credentials = outside.credentials(provider)
    output = capfd.readouterr()
    public = caplog.text + output.out + output.err + repr(told) + repr(credentials)
    assert any(record.name.startswith("httpcore") for record in caplog.records), "logs were read at their loudest"
    for secret in (*credentials.secrets.values(), "Thursday at 10", TEXT):
        assert secret not in public
    assert all(value in str(outside.world.store.requests[0]) for value in credentials.secrets.values()), "it was used"
