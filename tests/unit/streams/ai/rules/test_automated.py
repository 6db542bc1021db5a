"""What machines write is recognised before any date in it can book something."""

import pytest

from streams.ai.rules.automated import find_automated, is_calendar_acceptance, is_receipt

ABSENCES = (
    ("Automatic reply: offer", "I am away until 4 May. For anything urgent write to the desk."),
    ("Abwesenheitsnotiz", "Ich bin bis zum 4. Mai im Urlaub."),
    ("Réponse automatique : offre", "Je suis en congés jusqu'au 4 mai."),
    ("Respuesta automática", "Estoy fuera de la oficina hasta el 4 de mayo."),
    ("Automatisch antwoord", "Ik ben met vakantie tot 4 mei."),
    ("", "Auto: on vacation through 5/4, no cell service."),
    ("", "Out of office until 4 May. For urgent matters contact my colleague."),
)
ACKNOWLEDGEMENTS = (
    ("Request received", "Your request #88121 has been received. Please do not reply to this email."),
    ("", "Thank you for contacting Orbit. A member of our team will respond within two business days."),
    ("Read: offer", "Your message was read on Monday, 4 May 2026 10:00."),
    ("Please verify", "To prove you are not a robot, follow the link below."),
    ("", "Hi, you've reached the Orbit text line. Reply 1 for sales, 2 for service."),
)
PEOPLE = (
    ("Re: offer", "I'm travelling until the 20th, but the 21st at 4pm is good. Zoom?"),
    ("Re: offer", "I go on parental leave on Monday. Please write again in October."),
    ("Re: offer", "Received, thanks."),
    ("Re: offer", "We will get back to you."),
    ("Re: offer", "The office is closed to visitors but let's do a call."),
)


@pytest.mark.parametrize(("subject", "text"), ABSENCES)
def test_absences(subject: str, text: str) -> None:
    assert find_automated(subject, text) == "out-of-office"


@pytest.mark.parametrize(("subject", "text"), ACKNOWLEDGEMENTS)
def test_acknowledgements(subject: str, text: str) -> None:
    assert find_automated(subject, text) == "auto-acknowledgement"


@pytest.mark.parametrize(("subject", "text"), PEOPLE)
def test_people_are_no_machines(subject: str, text: str) -> None:
    assert find_automated(subject, text) is None


@pytest.mark.parametrize(
    "subject", ["Accepted: Call @ Mon 4 May 2026 10:00", "Zugesagt: Gespräch", "Accepté : Échange", "Aceptada: Demo"]
)
def test_a_calendar_program_accepts(subject: str) -> None:
    assert is_calendar_acceptance(subject, "When: Mon 4 May 2026 10:00")


@pytest.mark.parametrize("subject", ["Declined: Call", "Re: terms accepted", "Accepted"])
def test_other_subjects_accept_nothing(subject: str) -> None:
    assert not is_calendar_acceptance(subject, "See below.")


RECEIPTS = (
    (
        "Read: idea",
        "Your message\n\n   To: Pat\n   Subject: idea\n   Sent: Monday\n\nwas read on Monday, March 2, 2026.",
    ),
    ("Not read: idea", "Your message\n\nTo: Pat\nSubject: idea\n\nwas deleted without being read on Monday 2 March."),
    ("Return Receipt (displayed) - idea", "This is a Return Receipt for the mail that you sent to pat@zen.example."),
    ("Gelesen: Idee", "Ihre Nachricht\nAn: Pat\nBetreff: Idee\n\nwurde am Montag, 2. März 2026 gelesen."),
    (
        "Relayed: idea",
        "Your message has been successfully relayed to the following recipients, but no notice may come.",
    ),
    ("Delivered: idea", "Your message has been delivered to the following recipients: pat@zen.example"),
)


@pytest.mark.parametrize(("subject", "text"), RECEIPTS)
def test_a_receipt_answers_nothing(subject: str, text: str) -> None:
    assert is_receipt(subject, text)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: idea", "Your message was read on Monday by all of us, and we like it."),
        ("Read: chapter 3", "I have read it and want to talk. Call me?"),
        ("Delivered: 40 pallets", "All are here, thanks. Next order follows."),
    ],
)
def test_people_who_speak_of_reading_are_no_receipt(subject: str, text: str) -> None:
    assert not is_receipt(subject, text)
