"""Where a quarantined webhook belongs by now: its workspace may have been applied since, or its adapter mended.

Its sender proved itself when it came. That he may write to this workspace nobody can check any more, because proofs
are not kept: a person who sends it on says so.
"""

from typing import Self

import msgspec

from headrace.events.dead_letters import original_headers
from headrace.events.envelope import Headers
from headrace.events.records import Record
from headrace.events.topics import WEBHOOKS_BULK, Topic, reply_topic
from headrace.events.webhooks import WebhookMeta, read_webhook, webhook_headers
from headrace.providers.adapter import Adapter, Request
from headrace.providers.payload import UnreadableBody, read_payload
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.naming import named_workspace
from headrace.workspaces.store import read_directory
from headrace.workspaces.workspace import Workspace


class Unassignable(ValueError):
    """The webhook can't leave quarantine."""

    def __init__(self, why: str, what_to_do: str) -> None:
        super().__init__(f"{why}: {what_to_do}")
        self.why = why
        self.what_to_do = what_to_do


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as ingest would have stored it, had it known: the receipt's id and time are those it has."""

    topic: Topic
    key: bytes
    headers: Headers
    workspace: str


class Assigning:
    """Assigns quarantined webhooks to the workspaces there are."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """By the workspaces that are applied now. Raises KafkaUnreachable."""
        return cls(read_directory(settings))

    def assigned(self, record: Record) -> Assigned:
        """What to store. Raises Unassignable, or EnvelopeError for a record that ingest did not write."""
        meta = read_webhook(original_headers(record.headers))
        adapter = ADAPTERS[meta.provider]
        try:
            payload = read_payload(record.value or b"")
        except UnreadableBody as error:
            raise Unassignable(f"its body can't be read ({error})", "discard it") from None
        request = Request(body=record.value or b"", headers={}, query=meta.query, payload=payload)
        try:
            return _delivered(meta, adapter, request, self._directory)
        except Unassignable:
            raise
        except Exception as error:  # An adapter never raises: this one is defective still.
            why = f"its adapter still fails ({type(error).__name__})"
            raise Unassignable(why, "mend it, then redrive") from None


def _delivered(meta: WebhookMeta, adapter: Adapter, request: Request, directory: Directory) -> Assigned:
    workspace = _workspace(meta, adapter, request, directory)
    if workspace is None:
        what_to_do = "apply it with `headrace workspace apply`, or discard the webhook"
        raise Unassignable("it names no workspace that is applied", what_to_do)
    delivery = adapter.deliver(workspace.id, request.payload or {})
    known = msgspec.structs.replace(meta, workspace=workspace.id, timezone=workspace.timezone, quarantine_reason="")
    return Assigned(
        topic=WEBHOOKS_BULK if delivery.lane == "bulk" else reply_topic(meta.provider),
        key=delivery.dedupe_key.encode(),
        headers=webhook_headers(known),
        workspace=workspace.id,
    )


def _workspace(meta: WebhookMeta, adapter: Adapter, request: Request, directory: Directory) -> Workspace | None:
    """The one ingest knew when only the adapter failed, or the one it names."""
    return directory.get(meta.workspace) if meta.workspace else named_workspace(adapter, request, directory)
