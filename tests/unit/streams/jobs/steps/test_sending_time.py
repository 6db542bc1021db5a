"""The same message is always answered at the same time, after the delay and within the hours."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from headrace.events.workspaces import JobSettings, SendingHours
from streams.jobs.steps.sending_time import delay_of, is_open, send_at

SENT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ZONE = "America/Chicago"
HOURS = st.builds(
    SendingHours,
    when=st.sampled_from(["BUSINESS_HOURS", "CUSTOM"]),
    zone=st.sampled_from(["", "Europe/Berlin", "Asia/Tokyo"]),
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    opens=st.just(time(9)),
    closes=st.just(time(17)),
)


@given(st.text(), st.integers(0, 500), st.integers(0, 500))
def test_the_delay_lies_between_and_is_the_messages_own(message_id: str, shortest: int, more: int) -> None:
    delay = delay_of(message_id, shortest, shortest + more)
    assert timedelta(seconds=shortest) <= delay <= timedelta(seconds=shortest + more)
    assert delay == delay_of(message_id, shortest, shortest + more)


def test_it_counts_from_the_message_and_never_lies_in_the_past() -> None:
    settings = JobSettings()
    at = send_at("m", SENT, SENT, settings, ZONE)
    assert timedelta(seconds=180) <= at - SENT <= timedelta(seconds=420)
    assert send_at("m", SENT, SENT + timedelta(hours=2), settings, ZONE) == SENT + timedelta(hours=2, seconds=30)


@given(st.text(), st.integers(0, 7 * 24 * 60), HOURS)
def test_outside_the_hours_it_waits_for_the_opening(message_id: str, minutes: int, hours: SendingHours) -> None:
    sent = SENT + timedelta(minutes=minutes)
    at = send_at(message_id, sent, sent, JobSettings(hours=hours), ZONE)
    assert at > sent
    assert is_open(at.astimezone(ZoneInfo(hours.zone or ZONE)), hours)


def test_business_hours_are_those_of_the_workspace() -> None:
    saturday = datetime(2026, 3, 7, 18, 0, tzinfo=UTC)
    at = send_at("m", saturday, saturday, JobSettings(hours=SendingHours(when="BUSINESS_HOURS")), ZONE)
    local = at.astimezone(ZoneInfo(ZONE))
    assert (local.date().isoformat(), local.hour) == ("2026-03-09", 9)
