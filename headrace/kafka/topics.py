"""Brings the broker's topics in line with their declaration in `headrace.events.topics`, and says what stands there."""

import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    TopicMetadata,
)

from headrace.events.topics import ALL_TOPICS, APPS_WITH_TABLES, MAX_RECORD_BYTES, Topic, record_limit
from headrace.kafka.clients import KafkaUnreachable, confluent_config
from headrace.refusal import Refusal
from headrace.settings import Settings

_REQUEST_TIMEOUT = 15.0
#: A broker that is there answers in milliseconds; nobody wants to wait long to hear that none is.
_METADATA_TIMEOUT = 5.0
_LEADER_TIMEOUT = 30.0
MIN_INSYNC = "min.insync.replicas"
#: Set as declared by `mend_topics` where they are lower, and where they differ.
_AT_LEAST = ("max.message.bytes", MIN_INSYNC)
_EXACTLY = ("message.timestamp.type",)
_CHANGELOG = "-changelog"


class TopicMismatch(Refusal):
    """A topic on the broker has another shape than declared; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class TopicState:
    """One declared topic as the broker has it."""

    #: None for the changelog of a table, which workers create.
    topic: Topic | None
    #: The name on the broker, installation prefix included.
    name: str
    #: 0 when the topic does not exist yet.
    partitions: int
    #: Copies of each partition.
    replicas: int = 0
    #: Every declared setting as the broker has it; empty when the topic does not exist yet.
    config: dict[str, str]
    #: What was declared.
    declared: dict[str, str]

    @property
    def differences(self) -> dict[str, tuple[str, str]]:
        """Settings that differ: name → (declared, on the broker). Operators may change retention on purpose."""
        return {name: (self.declared[name], is_) for name, is_ in self.config.items() if is_ != self.declared[name]}

    @property
    def mended(self) -> dict[str, str]:
        """Settings to be set as declared: those that can lose or stop something, and never one that deletes.

        More room and more replicas than declared were given on purpose.
        """
        lower = {
            name for name in _AT_LEAST if int(self.config.get(name, self.declared[name])) < int(self.declared[name])
        }
        return {name: d for name, (d, _) in self.differences.items() if name in lower or name in _EXACTLY}

    @property
    def is_thin(self) -> bool:
        """One replica is enough to acknowledge, though there are more: its broker's loss is that of webhooks."""
        return self.replicas > 1 and self.config.get(MIN_INSYNC) == "1"


def topic_config(topic: Topic, settings: Settings) -> dict[str, str]:
    """The broker's settings for a topic. A retention of -1 keeps records for ever."""
    retention = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        **size_and_safety(record_limit(topic.name), settings),
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(retention),
    }


def size_and_safety(most_bytes: int, settings: Settings) -> dict[str, str]:
    """What the topics of tables have in common with all others."""
    return {"max.message.bytes": str(most_bytes), MIN_INSYNC: str(settings.insync_replicas)}


def create_topics(settings: Settings, topics: tuple[Topic, ...] = ALL_TOPICS) -> tuple[str, ...]:
    """Creates what is missing and waits until every partition has a leader. Returns the names it created.

    Existing topics keep their settings. Raises TopicMismatch when one has another partition count, because keys
    would then land elsewhere and Faust's tables could not be co-partitioned; KafkaUnreachable without a broker.
    """
    admin = _admin(settings)
    existing = _metadata(admin, settings)
    _refuse_other_partition_counts(existing, settings, topics)
    missing = [topic for topic in topics if settings.topic(topic) not in existing]
    if missing:
        requests = [_new_topic(topic, settings) for topic in missing]
        for name, future in admin.create_topics(requests, request_timeout=_REQUEST_TIMEOUT).items():
            _created(name, future, settings)
        _wait_for_leaders(admin, settings, topics)
    return tuple(settings.topic(topic) for topic in missing)


def describe_topics(settings: Settings, topics: tuple[Topic, ...] = ALL_TOPICS) -> list[TopicState]:
    """Every declared topic as it is on the broker. Raises KafkaUnreachable without a broker."""
    declared = {settings.topic(topic): topic for topic in topics}
    return _states(settings, {name: topic_config(topic, settings) for name, topic in declared.items()}, declared)


def describe_changelogs(settings: Settings) -> list[TopicState]:
    """The changelogs of this installation's tables, as far as workers have made them. Raises KafkaUnreachable."""
    start = settings.topic_prefix
    existing = _metadata(_admin(settings), settings)
    names = sorted(name for name in existing if name.endswith(_CHANGELOG) and _is_ours(name, start))
    return _states(settings, dict.fromkeys(names, size_and_safety(MAX_RECORD_BYTES, settings)), {})


def mend_topics(settings: Settings, states: Iterable[TopicState]) -> None:
    """Set what `TopicState.mended` names. Raises KafkaUnreachable."""
    admin = _admin(settings)
    resources = [
        ConfigResource(
            ConfigResource.Type.TOPIC,
            state.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in state.mended.items()
            ],
        )
        for state in states
        if state.mended
    ]
    if not resources:
        return
    for resource, future in admin.incremental_alter_configs(resources, request_timeout=_REQUEST_TIMEOUT).items():
        try:
            future.result()
        except KafkaException as error:
            reason = error.args[0].str()
            raise KafkaUnreachable(settings, f"topic {resource.name} was not changed: {reason}") from error


def _is_ours(changelog: str, prefix: str) -> bool:
    """An empty prefix is that of every topic; the tables' apps tell whose a changelog is."""
    return any(changelog.startswith(f"{prefix}{app}-") for app in APPS_WITH_TABLES)


def _admin(settings: Settings) -> AdminClient:
    # librdkafka reports each failed connection on stderr; the caller gets one exception instead.
    return AdminClient(confluent_config(settings) | {"log_level": 0})


def _metadata(admin: AdminClient, settings: Settings) -> dict[str, TopicMetadata]:
    try:
        topics: dict[str, TopicMetadata] = admin.list_topics(timeout=_METADATA_TIMEOUT).topics
    except KafkaException as error:
        raise KafkaUnreachable(settings, error.args[0].str()) from error
    return topics


def _refuse_other_partition_counts(
    existing: dict[str, TopicMetadata], settings: Settings, topics: tuple[Topic, ...]
) -> None:
    for topic in topics:
        name = settings.topic(topic)
        count = len(existing[name].partitions) if name in existing else settings.partitions
        if count != settings.partitions:
            raise TopicMismatch(
                f"topic {name} has {count} partitions, but HEADRACE_PARTITIONS asks for {settings.partitions}. Every "
                f"Headrace topic needs the same count, and keys would move if it changed: set HEADRACE_PARTITIONS="
                f"{count}, or use a new HEADRACE_TOPIC_PREFIX"
            )


def _new_topic(topic: Topic, settings: Settings) -> NewTopic:
    return NewTopic(
        settings.topic(topic),
        num_partitions=settings.partitions,
        replication_factor=settings.replication_factor,
        config=topic_config(topic, settings),
    )


def _created(name: str, future: "Future[None]", settings: Settings) -> None:
    try:
        future.result()
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        # Two processes may create the topics at once.
        if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise KafkaUnreachable(settings, f"topic {name} was not created: {reason.str()}") from error


def _wait_for_leaders(admin: AdminClient, settings: Settings, topics: tuple[Topic, ...]) -> None:
    deadline = time.monotonic() + _LEADER_TIMEOUT
    while leaderless := _leaderless(_metadata(admin, settings), settings, topics):
        if time.monotonic() > deadline:
            raise KafkaUnreachable(settings, f"no leader after {_LEADER_TIMEOUT:.0f} s for {', '.join(leaderless)}")
        time.sleep(0.05)


def _leaderless(existing: dict[str, TopicMetadata], settings: Settings, topics: tuple[Topic, ...]) -> list[str]:
    return [name for topic in topics if not _is_led(existing.get(name := settings.topic(topic)), settings)]


def _is_led(metadata: TopicMetadata | None, settings: Settings) -> bool:
    if metadata is None or len(metadata.partitions) != settings.partitions:
        return False
    return all(partition.leader >= 0 for partition in metadata.partitions.values())


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    if not resources:
        return {}
    answers = admin.describe_configs(resources, request_timeout=_REQUEST_TIMEOUT)
    return {
        resource.name: {name: str(entry.value) for name, entry in future.result().items()}
        for resource, future in answers.items()
    }


def _states(settings: Settings, declared: dict[str, dict[str, str]], topics: dict[str, Topic]) -> list[TopicState]:
    """The topics of these names, with what was declared for each."""
    admin = _admin(settings)
    existing = _metadata(admin, settings)
    configs = _configs(admin, [name for name in declared if name in existing])
    return [
        TopicState(
            topic=topics.get(name),
            name=name,
            partitions=len(existing[name].partitions) if name in existing else 0,
            replicas=_replicas(existing.get(name)),
            config={setting: configs[name][setting] for setting in wanted if setting in configs.get(name, {})},
            declared=wanted,
        )
        for name, wanted in declared.items()
    ]


def _replicas(metadata: TopicMetadata | None) -> int:
    return min((len(partition.replicas) for partition in metadata.partitions.values()), default=0) if metadata else 0
