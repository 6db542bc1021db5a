"""Workspaces as they were: the topic is compacted, so of some moments nobody knows any more, and that is said."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from headrace.events.codec import Codec, UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError, read_envelope
from headrace.events.records import Record
from headrace.events.workspaces import WorkspaceApplied
from streams.jobs.context import Profile

_CODEC = Codec()


class WorkspacesThen:
    """Every state of every workspace that is still in the log.

    Compaction removes only what a newer record of the workspace follows, and all that was older with it: a state that
    is still there held until the next one that is there. Before the first one that is left, nobody knows.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        """`records` of the topic `workspaces`, those of a partition in order."""
        self._states: dict[str, list[tuple[int, Profile | None]]] = defaultdict(list)
        for record in records:
            self._take(record)

    def at(self, workspace: str, moment_ms: int) -> Profile | None:
        """The workspace at a moment, milliseconds of the brokers' clock; None when nobody knows, or it was removed."""
        states = self._states.get(workspace, [])
        place = bisect_right(states, moment_ms, key=lambda state: state[0])
        return states[place - 1][1] if place else None

    def now(self, workspace: str, _moment_ms: int) -> Profile | None:
        """The newest state, whatever the moment."""
        states = self._states.get(workspace)
        return states[-1][1] if states else None

    def _take(self, record: Record) -> None:
        workspace = record.key.decode("utf-8", "replace")
        if record.value is None:
            self._states[workspace].append((record.timestamp_ms, None))
            return
        try:
            event = _CODEC.decode(read_envelope(record.headers).type, record.value)
        except (EnvelopeError, UnknownEventType, UndecodableEvent):
            # Workers ignore it, too: the state before it stays.
            return
        if isinstance(event, WorkspaceApplied):
            profile = Profile(event.workspace, event.name, event.timezone, event.jobs)
            self._states[workspace].append((record.timestamp_ms, profile))
