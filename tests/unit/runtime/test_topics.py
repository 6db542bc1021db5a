"""What the broker is told about a topic."""

from events.topics import MAX_RECORD_BYTES, MESSAGES, WEBHOOKS_BULK, WORKSPACES
from runtime.topics import TopicState, topic_config


def test_retention_and_compaction_come_from_the_declaration() -> None:
    assert topic_config(MESSAGES)["retention.ms"] == "-1"
    assert topic_config(WEBHOOKS_BULK)["retention.ms"] == str(30 * 24 * 3600 * 1000)
    assert topic_config(WORKSPACES)["cleanup.policy"] == "compact"
    assert {topic_config(topic)["max.message.bytes"] for topic in (MESSAGES, WORKSPACES)} == {str(MAX_RECORD_BYTES)}


def test_differences_show_what_an_operator_changed() -> None:
    found = topic_config(MESSAGES) | {"retention.ms": "1000"}
    state = TopicState(topic=MESSAGES, name="messages", partitions=8, config=found)
    assert state.differences == {"retention.ms": ("-1", "1000")}
    missing = TopicState(topic=MESSAGES, name="messages", partitions=0, config={})
    assert missing.differences == {}
