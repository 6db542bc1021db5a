"""What the broker is told about a topic."""

import pytest
from pydantic import ValidationError

from headrace.events.topics import (
    DEAD_LETTER_BYTES,
    DEAD_LETTERS,
    MAX_RECORD_BYTES,
    MESSAGES,
    WEBHOOKS_BULK,
    WORKSPACES,
)
from headrace.kafka.topics import TopicState, topic_config
from headrace.settings import Settings

SETTINGS = Settings()


def state(replicas: int = 1, **found: str) -> TopicState:
    declared = topic_config(MESSAGES, SETTINGS)
    config = declared | {name.replace("_", "."): value for name, value in found.items()}
    return TopicState(
        topic=MESSAGES, name="messages", partitions=8, replicas=replicas, config=config, declared=declared
    )


def test_retention_and_compaction_come_from_the_declaration() -> None:
    assert topic_config(MESSAGES, SETTINGS)["retention.ms"] == "-1"
    assert topic_config(WEBHOOKS_BULK, SETTINGS)["retention.ms"] == str(30 * 24 * 3600 * 1000)
    assert topic_config(WORKSPACES, SETTINGS)["cleanup.policy"] == "compact"


def test_every_topic_says_what_it_takes_and_dead_letters_take_any_record() -> None:
    sizes = {topic_config(topic, SETTINGS)["max.message.bytes"] for topic in (MESSAGES, WORKSPACES)}
    assert sizes == {str(MAX_RECORD_BYTES)}
    assert topic_config(DEAD_LETTERS, SETTINGS)["max.message.bytes"] == str(DEAD_LETTER_BYTES)


@pytest.mark.parametrize(("factor", "asked", "told"), [(1, None, "1"), (2, None, "1"), (3, None, "2"), (3, 1, "1")])
def test_two_replicas_of_three_must_have_a_record(factor: int, asked: int | None, told: str) -> None:
    settings = Settings(replication_factor=factor, min_insync_replicas=asked)
    assert topic_config(MESSAGES, settings)["min.insync.replicas"] == told


def test_more_in_sync_replicas_than_replicas_are_refused() -> None:
    with pytest.raises(ValidationError, match="nothing could ever be written"):
        Settings(replication_factor=1, min_insync_replicas=2)


def test_differences_show_what_an_operator_changed() -> None:
    assert state(retention_ms="1000").differences == {"retention.ms": ("-1", "1000")}
    declared = topic_config(MESSAGES, SETTINGS)
    missing = TopicState(topic=MESSAGES, name="messages", partitions=0, config={}, declared=declared)
    assert missing.differences == {}
    assert missing.mended == {}


def test_what_is_mended_can_lose_nothing() -> None:
    assert state(retention_ms="1000", max_message_bytes="1048588").mended == {
        "max.message.bytes": str(MAX_RECORD_BYTES)
    }
    assert state(max_message_bytes="99999999", min_insync_replicas="2").mended == {}


def test_a_topic_is_thin_when_one_of_several_replicas_acknowledges() -> None:
    assert state(replicas=3, min_insync_replicas="1").is_thin
    assert not state(replicas=1, min_insync_replicas="1").is_thin
    assert not state(replicas=3, min_insync_replicas="2").is_thin
