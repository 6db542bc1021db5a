"""Settings for jobs: what a file may say, what an operator hears about a mistake, and that all of it travels."""

import re
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from headrace.events.envelope import read_envelope
from headrace.events.workspaces import CampaignSettings, JobSettings, SendingHours
from headrace.providers.registry import ADAPTERS
from headrace.workspaces.document import WorkspaceFileError, parse_workspaces
from headrace.workspaces.encryption import SecretBox
from headrace.workspaces.records import applied_record, read_applied
from headrace.workspaces.workspace import Workspace

HEAD = "workspace: acme\nname: Acme\ntimezone: America/Chicago\n"
FACTS = "facts: {sender_name: Dana, company: Acme"
FILE = f"""{HEAD}
ai_budget_micro_usd_per_day: 2500000
response_mode: AI_AUTO_SEND
auto_send_threshold: 0.95
delay_seconds: [60, 120]
hours: {{when: CUSTOM, zone: Europe/Berlin, days: [fri, mon], opens: "08:30", closes: "18:00"}}
auto_book_meetings: true
campaigns:
  "12": {{response_mode: SETTER_MANAGED}}
  c-9:  {{auto_send_threshold: 1.0}}
facts:
  sender_name: Dana Reyes
  company: Acme North
  service: recover unpaid claims
  calendar_link: https://cal.example.com/dana
  website: https://acme.example
  offered_slots: [2026-03-05T15:00:00Z, 2026-03-06T10:00:00-06:00]
  allowed_links: [docs.acme.example]
  allowed_emails: [Dana@acme.example]
  allowed_phones: ["+13125550100"]
  answers: {{pricing: We work on a success fee.}}
  prices: [The fee is 15 % of what is recovered.]
  ideal_customer: Clinics with more than ten locations.
  qualification_questions: ["How many locations do you have?"]
"""


def parse(text: str) -> Workspace:
    (workspace,) = parse_workspaces(text, "acme.yaml", ADAPTERS)
    return workspace


def test_without_a_word_nothing_is_sent_or_booked() -> None:
    settings = parse(HEAD).settings
    assert settings == JobSettings()
    assert (settings.response_mode, settings.auto_book_meetings, settings.facts) == ("SETTER_MANAGED", False, None)
    assert (settings.auto_send_threshold, settings.delay_seconds) == (0.9, (180, 420))


def test_a_file_says_it_all() -> None:
    settings = parse(FILE).settings
    assert settings.ai_budget_micro_usd_per_day == 2_500_000
    assert settings.hours == SendingHours(
        when="CUSTOM", zone="Europe/Berlin", days=(0, 4), opens=time(8, 30), closes=time(18)
    )
    assert settings.campaigns["12"] == CampaignSettings(response_mode="SETTER_MANAGED")
    assert settings.facts is not None
    assert settings.facts.offered_slots[1].astimezone(UTC) == datetime(2026, 3, 6, 16, tzinfo=UTC)
    assert settings.facts.allowed_emails == ("dana@acme.example",)


def test_settings_travel_whole() -> None:
    workspace = parse(FILE)
    box = SecretBox([Fernet.generate_key().decode()])
    value, headers = applied_record(workspace, box, datetime(2026, 3, 2, tzinfo=UTC))
    assert read_applied(read_envelope(headers).type, value, box) == workspace


def test_hours_may_be_one_word() -> None:
    assert parse(f"{HEAD}hours: BUSINESS_HOURS").settings.hours == SendingHours(when="BUSINESS_HOURS")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ai_budget_micro_usd_per_day: -1", "ai_budget_micro_usd_per_day: Input should be greater than or equal to 0"),
        ("ai_budget_micro_usd_per_day: 1.5", "ai_budget_micro_usd_per_day: Input should be a valid integer"),
        ("response_mode: auto", "response_mode: Input should be 'AI_AUTO_SEND' or 'SETTER_MANAGED'"),
        ("auto_send_threshold: 90", "auto_send_threshold: Input should be less than or equal to 1"),
        ("delay_seconds: [420, 180]", "delay_seconds must be [from, to] in seconds"),
        ("delay_seconds: 180", "delay_seconds: Input should be a valid tuple"),
        ("hours: WEEKENDS", "hours.when: Input should be 'ALWAYS', 'BUSINESS_HOURS' or 'CUSTOM'"),
        ("hours: CUSTOM", "hours: CUSTOM needs days, opens and closes"),
        ('hours: {when: ALWAYS, opens: "09:00"}', "hours: days, opens and closes belong to CUSTOM"),
        ("hours: {when: CUSTOM, days: [mon], opens: 09:00, closes: 17:00}", "hours.closes: must be text: write it"),
        ('hours: {when: CUSTOM, days: [mon], opens: "18:00", closes: "09:00"}', "opens must be before closes"),
        ('hours: {when: CUSTOM, days: [monday], opens: "08:00", closes: "09:00"}', "must be one of mon, tue"),
        ("hours: {when: ALWAYS, zone: Mars/Olympus}", "hours.zone: not an IANA time zone"),
        ("auto_book_meetings: 'yes'", "auto_book_meetings: Input should be a valid boolean"),
        ("auto_book_meetings: true", "auto_book_meetings needs facts.offered_slots"),
        ("campaigns: {12: {response_mode: SETTER_MANAGED}}", "campaigns: ids must be text: write them in quotes"),
        ("campaigns: {a: {mode: x}}", "campaigns.a.mode: Extra inputs"),
        ("facts: {company: Acme}", "facts.sender_name: Field required"),
        (f"{FACTS}, calendar_link: cal.example.com}}", "facts.calendar_link: must be an https address"),
        (f"{FACTS}, allowed_links: ['see our site']}}", "facts.allowed_links.0: must be an https address"),
        (f"{FACTS}, allowed_phones: ['555-0100']}}", "facts.allowed_phones.0: "),
        (f"{FACTS}, allowed_emails: [dana]}}", "facts.allowed_emails.0: must be an e-mail address"),
        (f"{FACTS}, offered_slots: [2026-03-05T15:00:00]}}", "facts.offered_slots.0: Input should have timezone info"),
        (f'{FACTS}, service: "{"x" * 501}"}}', "facts.service: String should have at most 500 characters"),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, expected: str) -> None:
    with pytest.raises(WorkspaceFileError) as caught:
        parse(HEAD + text)
    assert expected in str(caught.value)
    assert str(caught.value).startswith("acme.yaml: ")


def test_the_guides_example_is_valid() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "workspaces.md").read_text(encoding="utf-8")
    example = guide.partition("```yaml\n")[2].partition("```")[0]
    settings = parse(example).settings
    assert settings.facts is not None
    documented = {
        name for row in re.findall(r"^\| (.*?) \|", guide, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert documented == {*settings.__struct_fields__, *settings.facts.__struct_fields__}
