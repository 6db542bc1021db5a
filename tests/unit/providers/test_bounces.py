"""Delivery failures: who sent them, whom they concern, whether they are final."""

import pytest

from headrace.events.inbox import Address
from headrace.providers.bounces import failed_recipient, is_daemon, is_final


@pytest.mark.parametrize(
    "sender", ["mailer-daemon@mx.example", "MAILER-DAEMON@x.example".lower(), "postmaster@x.example"]
)
def test_daemons(sender: str) -> None:
    assert is_daemon(Address(address=sender))


def test_people_are_no_daemons() -> None:
    assert not is_daemon(Address(address="dana@orbit.example", name="Dana"))
    assert not is_daemon(None)


@pytest.mark.parametrize(
    "report",
    [
        "Final-Recipient: rfc822; vic@void.example\nStatus: 5.1.1",
        "Your message wasn't delivered to vic@void.example because the address couldn't be found.",
        "The following address failed:\n\n  <VIC@void.example>:\n    550 user unknown",
        "kim@sender.example tried to reach vic@void.example",
    ],
)
def test_the_failed_recipient_is_found(report: str) -> None:
    assert failed_recipient(report, frozenset({"kim@sender.example"})) == "vic@void.example"


def test_our_own_address_and_daemons_never_failed() -> None:
    assert (
        failed_recipient("from mailer-daemon@mx.example to kim@sender.example", frozenset({"kim@sender.example"}))
        is None
    )


@pytest.mark.parametrize(
    "report", ["550 5.1.1 user unknown", "permanent failure", "", "Delivery temporarily failed, 5.1.1"]
)
def test_final(report: str) -> None:
    assert is_final(report)


@pytest.mark.parametrize("report", ["Delivery is delayed; will retry", "452 4.2.2 mailbox full", "Action: delayed"])
def test_not_final(report: str) -> None:
    assert not is_final(report)


@pytest.mark.parametrize("unit", ["a@", "<", "final-recipient:", "delivered to ", "a@b.c ", "x" * 64 + "@"])
def test_hostile_reports_are_read_in_bounded_time(unit: str) -> None:
    failed_recipient(unit * (1_048_576 // len(unit)))
    is_final(unit * (1_048_576 // len(unit)))
