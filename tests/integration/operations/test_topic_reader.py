"""Records are found by every condition, in the order of time, and only within the window; following sees what comes."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from headrace.events.records import Record
from headrace.events.topics import ALL_TOPICS, DEAD_LETTERS, JOBS, MESSAGES, RECEIPTS, WORKSPACES
from headrace.kafka.log_offsets import LogOffsets
from headrace.settings import Settings
from operations.records.record_filter import RecordFilter
from operations.records.shown_record import Shower
from operations.records.topic_reader import Scanned, find, follow, newest
from tests.headrace_command import headrace
from tests.integration.operations.story import DRAFT, SECRET, TEXT, Story
from tests.reply_topics import WEBHOOKS_GHL

pytestmark = pytest.mark.usefixtures("topics_created")

ALL = RecordFilter()


@pytest.fixture
def story(kafka_settings: Settings) -> Story:
    return Story(kafka_settings)


@pytest.fixture
def environment(kafka_settings: Settings) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": kafka_settings.kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": kafka_settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(kafka_settings.partitions),
    }


def everything(settings: Settings, wanted: RecordFilter = ALL, **options: Any) -> list[Record]:
    return list(find(settings, [settings.topic(topic) for topic in ALL_TOPICS], wanted, **options))


def test_every_condition_finds_what_it_says(story: Story, kafka_settings: Settings) -> None:
    story.whole(1)
    story.whole(2)
    other = Story(kafka_settings, "beta")
    other.whole(1)

    def found(**conditions: str) -> set[str]:
        records = everything(kafka_settings, RecordFilter(**conditions))
        return {record.topic.removeprefix(kafka_settings.topic_prefix) for record in records}

    def count(**conditions: str) -> int:
        return len(everything(kafka_settings, RecordFilter(**conditions)))

    total = len(everything(kafka_settings))
    caused = {"webhooks.ghl", "receipts", "messages", "jobs", "enrichments", "ai-interactions"}
    assert found(receipt_id=story.receipt(1)) == caused
    # The duplicate's own two records are not the first one's, but its verdict names it.
    assert count(receipt_id=story.receipt(1, repeat=1)) == 2
    assert count(workspace="acme") == 2 * count(workspace="beta")
    assert count(workspace="acme") + count(workspace="beta") == total
    assert found(lead_id=story.lead_of(1)) == caused - {"webhooks.ghl"}
    assert count(type="message.received") == count(type="message.received.v1") == 3
    assert count(type="message.received.v2") == count(type="message") == 0
    assert count(key=story.lead_of(1), type="message.received") == 1
    assert count(workspace="beta", lead_id=story.lead_of(1)) == 0


def test_all_partitions_come_in_the_order_of_time_and_the_limit_keeps_the_earliest(
    story: Story, kafka_settings: Settings
) -> None:
    for number in range(20):
        story.lead_and_message(number)
    name = kafka_settings.topic(MESSAGES)
    records = list(find(kafka_settings, [name], ALL))
    assert len(records) == 60
    assert {record.partition for record in records} == {0, 1}
    times = [record.timestamp_ms for record in records]
    assert times == sorted(times)
    places = [(record.partition, record.offset) for record in records]
    limited = list(find(kafka_settings, [name], ALL, limit=7))
    assert [(record.partition, record.offset) for record in limited] == places[:7]
    last = newest(kafka_settings, LogOffsets(kafka_settings).ranges([name]), ALL, 7)
    assert [(record.partition, record.offset) for record in last] == places[-7:]


def test_a_window_is_found_by_time_without_reading_what_is_before_it(story: Story, kafka_settings: Settings) -> None:
    name = kafka_settings.topic(WEBHOOKS_GHL)
    for number in range(3000):
        story.queue(WEBHOOKS_GHL, number % 2, str(number).encode())
    story.flush()
    before = max(record.timestamp_ms for record in find(kafka_settings, [name], ALL))
    # The broker's clock decides: until it has moved on, it is still the time before.
    moment = before
    while moment <= before:
        story.send(WEBHOOKS_GHL, 1, b"later", [])
        (newest_one,) = newest(kafka_settings, LogOffsets(kafka_settings).ranges([name]), ALL, 1)
        moment = newest_one.timestamp_ms
    counts: list[Scanned] = []
    start = datetime.fromtimestamp(moment / 1000, UTC)
    inside = list(find(kafka_settings, [name], ALL, from_=start, progress=counts.append))
    assert [record.value for record in inside] == [b"later"]
    assert (counts[-1].total, counts[-1].read) == (1, 1)
    outside = list(find(kafka_settings, [name], ALL, to=start))
    assert len(outside) >= 3000
    assert all(record.timestamp_ms < moment for record in outside)
    assert list(find(kafka_settings, [name], ALL, from_=datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_a_key_reads_only_the_partition_it_lives_in(story: Story, kafka_settings: Settings) -> None:
    for number in range(20):
        story.lead_and_message(number)
    counts: list[Scanned] = []
    name = kafka_settings.topic(MESSAGES)
    found = list(find(kafka_settings, [name], RecordFilter(key=story.lead_of(3)), progress=counts.append))
    assert len(found) == 3
    in_partition = LogOffsets(kafka_settings).ranges([name])[name, found[0].partition]
    assert counts[-1].total == in_partition.end < 60


def test_what_was_compacted_away_ends_no_search(story: Story, kafka_settings: Settings) -> None:
    # The topic of workspaces is compacted: a range may end in offsets that are gone. None are here, but a reader that
    # waits for the last offset of an empty range would not come back either.
    assert list(find(kafka_settings, [kafka_settings.topic(WORKSPACES)], ALL)) == []


def test_nothing_is_hidden_but_texts_and_secrets(story: Story, kafka_settings: Settings) -> None:
    story.whole(1)
    story.died(2)
    story.send(MESSAGES, 0, b"\xff{not json", [("ce_type", b"message.received.v1")])
    story.send(JOBS, 0, b"{}", [])
    records = everything(kafka_settings)
    shown = [Shower(kafka_settings).show(record) for record in records]
    assert len(shown) == len(records)
    printed = repr(shown)
    for hidden in (TEXT, DRAFT, SECRET):
        assert hidden not in printed
    broken = [one for one in shown if one.problem]
    assert {one.topic.removeprefix(kafka_settings.topic_prefix) for one in broken} == {"messages", "jobs"}
    (raw, *_) = (one for one in shown if one.topic.endswith("webhooks.ghl"))
    assert (raw.method, raw.path, raw.body, raw.size) == ("POST", "/webhooks/ghl", None, len(records[0].value or b""))
    (letter,) = (one for one in shown if one.topic == kafka_settings.topic(DEAD_LETTERS))
    assert letter.headers is not None
    assert letter.headers["dlq_reason"] == "refusal"

    with_texts = [Shower(kafka_settings, texts=True).show(record) for record in records]
    told = repr(with_texts)
    assert TEXT in told
    assert DRAFT in told
    assert SECRET not in told


def test_following_sees_what_is_written_and_nothing_twice(story: Story, kafka_settings: Settings) -> None:
    story.lead_and_message(1)
    name = kafka_settings.topic(MESSAGES)
    ranges = LogOffsets(kafka_settings).ranges([name])
    ends = {place: found.end for place, found in ranges.items()}
    wanted = RecordFilter(type="message.received")
    with closing(follow(kafka_settings, ends, wanted, lambda _: None)) as live:
        story.lead_and_message(2)
        assert next(live).key.decode() == story.lead_of(2)
        story.lead_and_message(3)
        assert next(live).key.decode() == story.lead_of(3)


def test_the_newest_that_match_are_found_behind_many_that_do_not(story: Story, kafka_settings: Settings) -> None:
    story.lead_and_message(1)
    for number in range(1000):
        story.queue(MESSAGES, number % 2, b"{}")
    story.flush()
    name = kafka_settings.topic(MESSAGES)
    ranges = LogOffsets(kafka_settings).ranges([name])
    found = newest(kafka_settings, ranges, RecordFilter(type="message.received"), 2)
    assert [record.key.decode() for record in found] == [story.lead_of(1)]


def test_find_on_the_command_line(story: Story, environment: dict[str, str]) -> None:
    story.whole(1)
    found = headrace(environment, "topics", "find", "messages", "jobs", "--lead", story.lead_of(1).upper(), "--json")
    assert found.exit_code == 0, found.output
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    (message,) = (one["event"] for one in lines if one["type"] == "message.received.v1")
    assert message["text"] == {"characters": len(TEXT)}
    assert f"{len(lines)} found" in found.stderr

    told = headrace(environment, "topics", "find", "webhooks.*", "--workspace", "acme", "--text", "--limit", "1")
    assert (told.exit_code, told.stdout.count("POST /webhooks/ghl")) == (0, 1)
    assert TEXT in told.stdout
    assert SECRET not in told.output
    assert "Stopped at --limit 1" in told.stderr

    nothing = headrace(environment, "topics", "find", "receipts", "--workspace", "gamma", "--from", "1h")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "Nothing matches" in nothing.stderr
    unknown = headrace(environment, "topics", "find", "mesages")
    assert unknown.exit_code == 2
    assert "there is no topic" in unknown.stderr


def test_tail_follows_until_it_is_interrupted(story: Story, environment: dict[str, str]) -> None:
    story.whole(1)
    arguments = ["topics", "tail", "receipts", "--last", "1", "--json"]
    running = subprocess.Popen(
        [Path(sys.executable).with_name("headrace"), *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            output: IO[str] = running.stdout  # type: ignore[assignment]
            assert json.loads(output.readline())["event"]["verdict"] == "duplicate"
            story.webhook_of(2)
            assert json.loads(output.readline())["event"]["receipt_id"] == story.receipt(2)
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 0
            assert running.stderr is not None
            assert running.stderr.read() == ""
        finally:
            running.kill()


def test_without_a_broker_the_reason_is_told(environment: dict[str, str]) -> None:
    away = headrace({**environment, "HEADRACE_TOPIC_PREFIX": "nobody."}, "topics", "find", RECEIPTS.name)
    assert away.exit_code == 2
    assert "headrace topics create" in away.stderr
