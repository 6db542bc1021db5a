"""Failure reports and dead mailboxes are told from what people write about mail."""

import pytest

from streams.ai.rules.delivery_failure import find_bounce, is_dead_mailbox

REPORTS = (
    ("Undelivered Mail Returned to Sender", "<kim@orbit.example>: host mx.orbit.example said: 550 5.1.1 User unknown"),
    (
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered. Unrouteable",
    ),
    ("Undeliverable: offer", "Delivery has failed to these recipients.\nThe recipient's mailbox is full. 552 5.2.2"),
    ("Unzustellbar: Angebot", "Die Nachricht konnte nicht zugestellt werden. Der Empfänger wurde nicht gefunden."),
    ("failure notice", "Sorry, no mailbox here by that name. 550 5.1.1 user unknown"),
    ("Delivery Status Notification (Failure)", "Address not found: your message wasn't delivered to kim@orbit.example"),
    (
        "",
        "Reporting-MTA: dns; relay.example\nFinal-Recipient: rfc822; kim@orbit.example\nAction: failed\nStatus: 5.1.1",
    ),
)
PEOPLE = (
    ("Re: offer", "My calendar is blocked until Thursday."),
    ("Re: offer", "Your message bounced around the office and everyone likes it."),
    ("Re: delivery", "The delivery failed last week and we are still waiting for the pallets."),
    ("Re: offer", "I think your attachment was rejected by our filter, please resend."),
    ("Re: returned goods", "We returned the mail order yesterday."),
    (
        "Re: delivery delayed",
        "The truck was delayed, we will keep trying. Can you deliver the mail order on Monday?",
    ),
)
DEAD = (
    ("Automatic reply: offer", "Jo Lind is no longer with Orbit. Please write to desk@orbit.example."),
    ("Automatic reply: offer", "This mailbox is no longer monitored."),
    (
        "Automatische Antwort: Angebot",
        "Frau Ertl ist nicht mehr bei uns tätig. Dieses Postfach wird nicht mehr gelesen.",
    ),
    ("Réponse automatique", "M. Aubin a quitté la société."),
    ("Respuesta automática", "Elena ya no trabaja en esta empresa."),
)


@pytest.mark.parametrize(("subject", "text"), REPORTS)
def test_a_failure_report_is_a_bounce(subject: str, text: str) -> None:
    assert find_bounce(subject, text) == "bounce-report"


@pytest.mark.parametrize(("subject", "text"), PEOPLE)
def test_people_writing_about_deliveries_are_no_report(subject: str, text: str) -> None:
    assert find_bounce(subject, text) is None


DELAYS = (
    ("Delivery Status Notification (Delay)", "Your message has not been delivered yet. We will keep trying. 451 4.4.1"),
    (
        "Delivery Status Notification (Delay)",
        "There was a temporary problem delivering your message to jo@orbit.example. It will be retried for 40 hours.",
    ),
    (
        "Delivery incomplete",
        "There was a temporary problem delivering your message. Gmail will retry for 47 more hours.",
    ),
    ("Delayed: offer", "Delivery is delayed to these recipients or groups:\njo@orbit.example\nWe will keep trying."),
    ("Warning: message delayed", "The mail has been queued for 4 hours. 451 4.7.1 greylisted. It will be retried."),
    ("", "Reporting-MTA: dns; mx.example\nFinal-Recipient: rfc822; jo@orbit.example\nAction: delayed\nStatus: 4.4.7"),
    (
        "Undeliverable: offer",
        "Delivery is delayed. 451 4.4.1 timed out.\n\n----- Original message -----\n550 hours 5.1.1 does not exist",
    ),
)


@pytest.mark.parametrize(("subject", "text"), DELAYS)
def test_a_delay_is_no_bounce(subject: str, text: str) -> None:
    assert find_bounce(subject, text) == "delivery-delayed"


@pytest.mark.parametrize(("subject", "text"), DEAD)
def test_a_mailbox_that_nobody_reads_is_dead(subject: str, text: str) -> None:
    assert is_dead_mailbox(subject, text)


def test_a_person_who_changed_jobs_is_not_a_dead_mailbox() -> None:
    assert not is_dead_mailbox("Re: offer", "Ask Paolo, I have left the sales team.")
