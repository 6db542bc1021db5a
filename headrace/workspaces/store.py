"""What an operator does to the topic `workspaces`: read it whole, apply workspaces, remove one."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from headrace.events.codec import UNREADABLE, NewerEvent
from headrace.events.envelope import Headers, read_envelope
from headrace.events.topics import WORKSPACES
from headrace.events.workspaces import JobSettings
from headrace.kafka.clients import KafkaUnreachable, confluent_config, confluent_producer_config
from headrace.refusal import Refusal
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.encryption import SecretBox
from headrace.workspaces.records import applied_record, read_applied, removed_headers
from headrace.workspaces.workspace import ProviderAccount, Workspace

_TIMEOUT = 15.0
#: Key, value (None removes) and headers.
_Row = tuple[str, bytes | None, Headers]


class WorkspaceRefused(Refusal):
    """The change would leave the installation ambiguous, or concerns nothing; the message says what to do."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """The newest record of a workspace, which nobody can read. Processes that run keep the state before it."""

    workspace: str
    #: `workspaces[1]@42`.
    place: str
    #: Without content.
    why: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the topic has."""

    directory: Directory
    unreadable: tuple[Unreadable, ...]


def read_directory(settings: Settings) -> Directory:
    """All workspaces as the topic has them now, as processes that read it take them. Raises KafkaUnreachable."""
    return read_workspaces(settings).directory


def read_workspaces(settings: Settings) -> Found:
    """All workspaces, and the records that can't be read. Raises KafkaUnreachable."""
    box = SecretBox.of(settings) if settings.secrets_key else None
    states: dict[str, Workspace] = {}
    unreadable: dict[str, Unreadable] = {}
    for message in _read_all(settings):
        key = (message.key() or b"").decode("utf-8", "replace")
        value = message.value()
        unreadable.pop(key, None)
        if value is None:
            states.pop(key, None)
            continue
        try:
            states[key] = read_applied(read_envelope(_headers(message)).type, value, box, with_api=True)
        except (*UNREADABLE, NewerEvent) as error:
            place = f"{message.topic()}[{message.partition()}]@{message.offset()}"
            unreadable[key] = Unreadable(workspace=key, place=place, why=str(error))
    return Found(directory=Directory(states.values()), unreadable=tuple(unreadable.values()))


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
    applied = {workspace.id for workspace in workspaces}
    _produce(settings, records + [row for row in _forgotten(after, at) if row[0] not in applied])


def removable(settings: Settings, workspace_id: str) -> Workspace:
    """The workspace, or what is known of it by its proofs alone. Raises WorkspaceRefused when there is none."""
    found = read_workspaces(settings)
    workspace = found.directory.get(workspace_id) or found.directory.retired.get(workspace_id)
    if workspace is None and workspace_id in {one.workspace for one in found.unreadable}:
        # Its record can't be read, but it can be removed.
        return Workspace(id=workspace_id, name="", timezone="UTC")
    if workspace is None:
        raise WorkspaceRefused(f"there is no workspace {workspace_id}; `headrace workspace list` shows those there are")
    return workspace


def remove_workspace(settings: Settings, workspace: Workspace, at: datetime, keep_proofs: timedelta) -> None:
    """Removes a workspace. For so long its senders' proofs count, so that their webhooks are kept in quarantine.

    Raises WorkspaceRefused when proofs are to be kept that can't be read.
    """
    rows = [row for row in _forgotten(read_directory(settings), at) if row[0] != workspace.id]
    if not keep_proofs or not any(one.secrets or not one.readable for one in workspace.providers.values()):
        _produce(settings, [*rows, (workspace.id, None, removed_headers(workspace.id, at))])
        return
    if not all(account.readable for account in workspace.providers.values()):
        raise WorkspaceRefused(
            f"nothing was removed: the secrets of {workspace.id} can't be read with this HEADRACE_SECRETS_KEY, so they "
            "can't be kept. Give the right key, or --keep-proofs 0s: then its webhooks are refused from now on"
        )
    proofs = {
        provider: ProviderAccount(accounts=account.accounts, secrets=account.secrets)
        for provider, account in workspace.providers.items()
    }
    retired = replace(workspace, providers=proofs, settings=JobSettings(), services={}, proofs_until=at + keep_proofs)
    _produce(settings, [*rows, (workspace.id, *applied_record(retired, SecretBox.of(settings), at))])


def _forgotten(directory: Directory, at: datetime) -> list[_Row]:
    """Ends what is kept of workspaces whose time is over."""
    return [(id_, None, removed_headers(id_, at)) for id_ in directory.forgotten(at)]


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
