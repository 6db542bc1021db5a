"""What an operator does to the topic `workspaces`: read it whole, apply workspaces, remove one."""

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from headrace.events.envelope import Headers, read_envelope
from headrace.events.topics import WORKSPACES
from headrace.kafka.clients import KafkaUnreachable, confluent_config, confluent_producer_config
from headrace.refusal import Refusal
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.encryption import SecretBox
from headrace.workspaces.records import applied_record, read_applied, removed_headers
from headrace.workspaces.workspace import Workspace

_TIMEOUT = 15.0
#: Key, value (None removes) and headers.
_Row = tuple[str, bytes | None, Headers]


class WorkspaceRefused(Refusal):
    """The change would leave the installation ambiguous, or concerns nothing; the message says what to do."""


def read_directory(settings: Settings) -> Directory:
    """All workspaces as the topic has them now. Raises KafkaUnreachable."""
    box = SecretBox.of(settings) if settings.secrets_key else None
    states: dict[str, Workspace] = {}
    for message in _read_all(settings):
        key = (message.key() or b"").decode()
        value = message.value()
        states.pop(key, None)
        if value is not None:
            states[key] = read_applied(read_envelope(_headers(message)).type, value, box)
    return Directory(states.values())


def apply_workspaces(settings: Settings, workspaces: list[Workspace], at: datetime) -> None:
    """Makes these the newest states. Raises WorkspaceRefused when an account would belong to two workspaces."""
    box = SecretBox.of(settings)
    after = read_directory(settings).changed(workspaces)
    if after.conflicts:
        claims = "; ".join(f"{claim} ({', '.join(owners)})" for claim, owners in after.conflicts.items())
        raise WorkspaceRefused(
            f"nothing was applied: an account can belong to one workspace only, but these would be claimed twice: "
            f"{claims}. Correct the file, or remove the other workspace first"
        )
    records: list[_Row] = [(workspace.id, *applied_record(workspace, box, at)) for workspace in workspaces]
    _produce(settings, records)


def remove_workspace(settings: Settings, workspace_id: str, at: datetime) -> None:
    """Removes a workspace: its webhooks go to quarantine from now on. Raises WorkspaceRefused for an unknown one."""
    if read_directory(settings).get(workspace_id) is None:
        raise WorkspaceRefused(f"there is no workspace {workspace_id}; `headrace workspace list` shows those there are")
    _produce(settings, [(workspace_id, None, removed_headers(workspace_id, at))])


def _read_all(settings: Settings) -> Iterable[Message]:
    config = confluent_config(settings) | {
        "group.id": f"{settings.topic_prefix}workspace-reader",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        # The end of a partition is reported with a fetch: don't let an empty one wait for records.
        "fetch.wait.max.ms": 10,
        "log_level": 0,
    }
    with closing(Consumer(config)) as consumer:
        waiting = _assigned_to_all(consumer, settings)
        while waiting:
            message = consumer.poll(_TIMEOUT)
            if message is None:
                raise KafkaUnreachable(settings, f"the topic {settings.topic(WORKSPACES)} did not answer")
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                waiting.discard(message.partition())
            else:
                raise KafkaUnreachable(settings, error.str())


def _assigned_to_all(consumer: Consumer, settings: Settings) -> set[int]:
    name = settings.topic(WORKSPACES)
    try:
        partitions = set(consumer.list_topics(name, timeout=_TIMEOUT).topics[name].partitions)
    except KafkaException as error:
        raise KafkaUnreachable(settings, error.args[0].str()) from error
    if not partitions:
        raise WorkspaceRefused(f"the topic {name} does not exist: run `headrace topics create` first")
    consumer.assign([TopicPartition(name, partition, 0) for partition in partitions])
    return partitions


def _produce(settings: Settings, records: list[_Row]) -> None:
    producer = Producer(confluent_producer_config(settings) | {"log_level": 0})
    failures: list[str] = []

    def delivered(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            failures.append(error.str())

    for key, value, headers in records:
        producer.produce(
            settings.topic(WORKSPACES), key=key.encode(), value=value, headers=headers, on_delivery=delivered
        )
    if producer.flush(_TIMEOUT) or failures:
        raise KafkaUnreachable(settings, failures[0] if failures else f"no acknowledgement after {_TIMEOUT:.0f} s")


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    return [(name, value) for name, value in message.headers() or []]
