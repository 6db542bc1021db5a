"""Every setting is shown, and nobody has to guess which of them a file says."""

from datetime import UTC, datetime, time

from headrace.events.workspaces import CampaignSettings, JobSettings, SendingHours, WorkspaceFacts
from headrace.workspaces.settings_shown import shown_settings

SET = JobSettings(
    ai_budget_micro_usd_per_day=0,
    response_mode="AI_AUTO_SEND",
    auto_send_threshold=0.92,
    delay_seconds=(60, 120),
    hours=SendingHours(when="CUSTOM", zone="UTC", days=(0, 4), opens=time(8, 30), closes=time(18)),
    auto_book_meetings=True,
    campaigns={"4711": CampaignSettings(auto_send_threshold=0.97)},
    facts=WorkspaceFacts(
        sender_name="Dana",
        company="Acme",
        offered_slots=(datetime(2026, 3, 5, 15, tzinfo=UTC),),
        answers={"pricing": "By success."},
    ),
)


def test_without_a_word_in_the_file_all_are_defaults() -> None:
    shown = shown_settings(JobSettings())
    assert {one.name for one in shown} == set(JobSettings.__struct_fields__)
    assert all(one.is_default for one in shown)
    values = {one.name: one.value for one in shown}
    assert (values["response_mode"], values["auto_send_threshold"]) == ("SETTER_MANAGED", 0.9)
    assert values["delay_seconds"] == [180, 420]
    assert values["hours"] == {"when": "ALWAYS"}


def test_what_the_file_says_is_told_from_defaults() -> None:
    shown = {one.name: one for one in shown_settings(SET)}
    # A budget of nothing is a budget: nothing may be spent.
    assert (shown["ai_budget_micro_usd_per_day"].value, shown["ai_budget_micro_usd_per_day"].is_default) == (0, False)
    assert shown["hours"].value == {
        "when": "CUSTOM",
        "zone": "UTC",
        "days": ["mon", "fri"],
        "opens": "08:30",
        "closes": "18:00",
    }
    assert shown["campaigns.4711"].value == {"auto_send_threshold": 0.97}
    assert (shown["facts.company"].value, shown["facts.company"].is_default) == ("Acme", False)
    assert shown["facts.offered_slots"].value == ["2026-03-05T15:00:00+00:00"]
    assert (shown["facts.website"].value, shown["facts.website"].is_default) == (None, True)
    assert {one.name for one in shown.values() if one.is_default} == {
        f"facts.{name}"
        for name in WorkspaceFacts.__struct_fields__
        if name not in ("sender_name", "company", "offered_slots", "answers")
    }


def test_business_hours_say_when_they_are() -> None:
    (hours,) = (
        one for one in shown_settings(JobSettings(hours=SendingHours(when="BUSINESS_HOURS"))) if one.name == "hours"
    )
    assert hours.value["days"] == ["mon", "tue", "wed", "thu", "fri"]
    assert (hours.value["opens"], hours.value["closes"]) == ("09:00", "17:00")
