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
    "report",
    [
        "550 5.1.1 user unknown",
        "permanent failure",
        "",
        "Delivery temporarily failed, 5.1.1",
        "Final-Recipient: rfc822; vic@void.example\nAction: failed\nStatus: 5.1.1",
        "Action: delayed\nStatus: 4.4.1\n\nAction: failed\nStatus: 5.0.0",
        "554 5.2.2 mailbox full",
        "550-Verification failed",
        "The account that you tried to reach does not exist.",
        "----- Original message -----\nHi Pat, delivery is delayed until Monday.\n550 5.1.1 user unknown",
    ],
)
def test_final(report: str) -> None:
    assert is_final(report)


RETURNED = "Hi Pat, teams like yours save 550 hours a year; 5.1.1 of our docs: what does not exist can't be late."


@pytest.mark.parametrize(
    "notice",
    [
        "Delivery is delayed; will retry",
        "452 4.2.2 mailbox full",
        "Action: delayed",
        "Delivery is delayed to: pat@zen.example. 451 4.4.1 timed out. Delivery will continue to be attempted.",
        "A temporary problem came up while delivering your message. Gmail will retry for 46 more hours.",
        "Reporting-MTA: dns; mx.zen.example\nFinal-Recipient: rfc822; pat@zen.example\nAction: delayed\nStatus: 4.0.0",
        "Your message has not yet been delivered. No action is required on your part.",
    ],
)
@pytest.mark.parametrize(
    "mark",
    [
        "----- Original message -----",
        "--- Below this line is a copy of the message.",
        "Content-Type: message/rfc822",
        "Return-Path: <kim@sender.example>",
        "> Original Message",
        "-------- Forwarded Message --------",
        "------ This is a copy of your message, including all the headers. ------\nReceived: from mx",
    ],
)
def test_a_delay_is_not_final_whatever_the_returned_mail_says(notice: str, mark: str) -> None:
    assert not is_final(notice)
    assert not is_final(f"{notice}\n\n{mark}\n{RETURNED}")


@pytest.mark.parametrize("unit", ["a@", "<", "final-recipient:", "delivered to ", "a@b.c ", "x" * 64 + "@"])
def test_hostile_reports_are_read_in_bounded_time(unit: str) -> None:
    failed_recipient(unit * (1_048_576 // len(unit)))
    is_final(unit * (1_048_576 // len(unit)))
