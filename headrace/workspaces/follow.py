"""Keeps a process's directory of workspaces in step with the topic: read to its end once, then followed live."""

import asyncio
from collections.abc import Sequence

import structlog

from headrace.events.codec import NewerEvent, UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError, read_envelope
from headrace.events.records import Record
from headrace.events.topics import WORKSPACES
from headrace.kafka.topic_tail import TopicTail
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.encryption import SecretBox
from headrace.workspaces.records import read_applied
from headrace.workspaces.workspace import Workspace

log = structlog.get_logger()


class WorkspaceFollower:
    """Follows the topic as long as `run` runs. `directory` is the newest snapshot; `loaded` is set at the first end."""

    def __init__(self, settings: Settings, *, with_api: bool = False) -> None:
        """`with_api` is for who calls providers: their keys are opened too."""
        self._with_api = with_api
        self._box = SecretBox.of(settings) if settings.secrets_key else None
        self._tail = TopicTail(settings, WORKSPACES, self)
        #: What was read so far, until the end is reached; None while live.
        self._found: list[Record] | None = None
        self.directory = Directory()
        self.loaded = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. Kafka away or the topic missing: said once, tried again every second."""
        await self._tail.run()

    def begin(self) -> None:
        """The whole topic is one change, so that a restart neither shows half of it nor builds it a thousand times."""
        self._found = []

    def take(self, records: Sequence[Record]) -> None:
        """See `headrace.kafka.topic_tail.Reader`."""
        if self._found is None:
            self._take(records)
        else:
            self._found += records

    def reached_end(self) -> None:
        """Started over after a lost connection, a workspace may have been removed and compacted away meanwhile."""
        self._take(self._found or [], before=Directory())
        self._found = None
        self.loaded.set()
        log.info("workspaces loaded", workspaces=len(self.directory))

    def _take(self, records: Sequence[Record], before: Directory | None = None) -> None:
        states: dict[str, Workspace | None] = {}
        for record in records:
            self._fold(record, states)
        applied = [workspace for workspace in states.values() if workspace is not None]
        removed = [id_ for id_, workspace in states.items() if workspace is None]
        previous = self.directory
        self.directory = (previous if before is None else before).changed(applied, removed)
        _warn_about_news(previous, self.directory)

    def _fold(self, record: Record, states: dict[str, Workspace | None]) -> None:
        workspace_id = record.key.decode("utf-8", "replace")
        if record.value is None:
            states[workspace_id] = None
            return
        try:
            type_ = read_envelope(record.headers).type
            states[workspace_id] = read_applied(type_, record.value, self._box, with_api=self._with_api)
        except (EnvelopeError, UnknownEventType, UndecodableEvent, NewerEvent) as error:
            # The state before it stays: an unreadable change must not take a working workspace away. Read anew, the
            # compacted topic may have that state no more, but this process has.
            states.setdefault(workspace_id, self.directory.get(workspace_id))
            log.error("workspace record ignored", workspace=workspace_id, offset=record.offset, reason=str(error))


def _warn_about_news(before: Directory, after: Directory) -> None:
    for workspace, provider in set(after.unsigned()) - set(before.unsigned()):
        log.warning("webhooks are accepted without proof (allow_unsigned)", workspace=workspace, provider=provider)
    for workspace, provider in set(after.unreadable()) - set(before.unreadable()):
        log.error("secrets can't be decrypted: check HEADRACE_SECRETS_KEY", workspace=workspace, provider=provider)
    for claim in set(after.conflicts) - set(before.conflicts):
        log.warning("account claimed by several workspaces", account=str(claim), workspaces=after.conflicts[claim])
