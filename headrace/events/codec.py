"""Events to bytes and back: stable type names with integer versions, and upcasters that go one version at a time."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headrace.events.ai import AiCalled
from headrace.events.caps import capped
from headrace.events.conversations import ConversationMoved
from headrace.events.dead_letters import DeadLetterDiscarded, DeadLetterFixed, DeadLetterRedriven
from headrace.events.enrichments import (
    AnyEnrichment,
    BookingDeclined,
    BookingProposed,
    DraftCreated,
    DraftRejected,
    FollowUpScheduled,
    LeadScored,
    LeadStateChanged,
    MessageClassified,
    MessageScreened,
    PersonNeeded,
    ReplyDecided,
    StepSkipped,
)
from headrace.events.envelope import Envelope, EnvelopeError, read_envelope
from headrace.events.inbox import InboxMessage, InboxSignal, InboxSplit, InboxSuppression
from headrace.events.jobs import (
    AnyJobEvent,
    JobCancelled,
    JobDied,
    JobPaused,
    JobRedecided,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from headrace.events.messages import (
    LeadChanged,
    LeadMerged,
    LeadSignalled,
    LeadSplit,
    LeadSuppressed,
    MessageMoved,
    MessageReceived,
    MessageSent,
)
from headrace.events.receipts import IngestLatencyMeasured, ReceiptJudged, WebhooksRefused
from headrace.events.records import Record
from headrace.events.workspaces import WorkspaceApplied

Event = (
    InboxMessage
    | InboxSuppression
    | InboxSignal
    | InboxSplit
    | MessageReceived
    | MessageSent
    | LeadChanged
    | LeadMerged
    | LeadSplit
    | MessageMoved
    | LeadSuppressed
    | LeadSignalled
    | ReceiptJudged
    | IngestLatencyMeasured
    | WebhooksRefused
    | WorkspaceApplied
    | AnyJobEvent
    | ConversationMoved
    | AiCalled
    | AnyEnrichment
    | DeadLetterRedriven
    | DeadLetterFixed
    | DeadLetterDiscarded
)
#: Turns the plain JSON object of version n into that of version n+1.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

#: The newest version of every event. A name on the wire is never reused for another meaning.
EVENT_TYPES: Mapping[str, tuple[type[Event], int]] = {
    "inbox.message": (InboxMessage, 1),
    "inbox.suppression": (InboxSuppression, 1),
    "inbox.signal": (InboxSignal, 1),
    "inbox.split": (InboxSplit, 1),
    "message.received": (MessageReceived, 1),
    "message.sent": (MessageSent, 1),
    "lead.changed": (LeadChanged, 1),
    "lead.merged": (LeadMerged, 1),
    "lead.split": (LeadSplit, 1),
    "message.moved": (MessageMoved, 1),
    "lead.suppressed": (LeadSuppressed, 1),
    "lead.signalled": (LeadSignalled, 1),
    "receipt.judged": (ReceiptJudged, 1),
    "ingest.latency.measured": (IngestLatencyMeasured, 1),
    "webhooks.refused": (WebhooksRefused, 1),
    "workspace.applied": (WorkspaceApplied, 1),
    "job.requested": (JobRequested, 1),
    "job.started": (JobStarted, 1),
    "job.step.finished": (JobStepFinished, 1),
    "job.retry.scheduled": (JobRetryScheduled, 1),
    "job.succeeded": (JobSucceeded, 1),
    "job.died": (JobDied, 1),
    "job.cancelled": (JobCancelled, 1),
    "job.paused": (JobPaused, 1),
    "job.resumed": (JobResumed, 1),
    "job.redecided": (JobRedecided, 1),
    "conversation.moved": (ConversationMoved, 1),
    "ai.called": (AiCalled, 1),
    "step.skipped": (StepSkipped, 1),
    "message.screened": (MessageScreened, 1),
    "message.classified": (MessageClassified, 1),
    "lead.state.changed": (LeadStateChanged, 1),
    "followup.scheduled": (FollowUpScheduled, 1),
    "draft.created": (DraftCreated, 1),
    "draft.rejected": (DraftRejected, 1),
    "reply.decided": (ReplyDecided, 1),
    "person.needed": (PersonNeeded, 1),
    "booking.proposed": (BookingProposed, 1),
    "booking.declined": (BookingDeclined, 1),
    "lead.scored": (LeadScored, 1),
    "dead.letter.redriven": (DeadLetterRedriven, 1),
    "dead.letter.fixed": (DeadLetterFixed, 1),
    "dead.letter.discarded": (DeadLetterDiscarded, 1),
}
#: (name, from version) → what makes the next version of it.
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}


class UnknownEventType(ValueError):
    """The type is not ours."""


class NewerEvent(Exception):
    """One of our events in a version that only a newer program knows.

    Not a ValueError, because nothing is wrong with the record: whoever can't read it waits for an upgrade.
    """


class UndecodableEvent(ValueError):
    """The type is known, but the bytes don't fit it. The message names the field, never the content."""


#: What `Codec.read` raises for a record that holds no event of ours, nor of a newer program's.
UNREADABLE = (EnvelopeError, UnknownEventType, UndecodableEvent)


class Codec:
    """Encodes the newest versions, decodes every version. The maps are arguments so that tests can add a version."""

    def __init__(
        self,
        types: Mapping[str, tuple[type[Any], int]] = EVENT_TYPES,
        upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
    ) -> None:
        self._encoder = msgspec.json.Encoder()
        self._plain = msgspec.json.Decoder(dict[str, Any])
        self._types = types
        self._upcasters = upcasters
        self._decoders = {wire_type(name, v): msgspec.json.Decoder(cls) for name, (cls, v) in types.items()}
        self._wire_types = {cls: wire_type(name, v) for name, (cls, v) in types.items()}

    def type_of(self, event: object) -> str:
        """The wire type, such as `message.received.v1`."""
        return self._wire_types[type(event)]

    def encode(self, event: object) -> bytes:
        """The event's JSON, every field within its cap. Raises TooLarge for what must not be cut."""
        return self._encoder.encode(capped(event) if type(event) in self._wire_types else event)

    def decode(self, type_: str, value: bytes) -> Any:
        """The event of a wire type, upcast to the newest version. Fields that a version has not are ignored.

        Raises UnknownEventType, UndecodableEvent or NewerEvent.
        """
        decoder = self._decoders.get(type_)
        try:
            if decoder is not None:
                return decoder.decode(value)
            return self._decode_older(type_, value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UndecodableEvent(f"{type_}: {_without_content(error)}") from None

    def read(self, record: Record) -> tuple[Envelope, Any]:
        """Envelope and event of a record. Raises NewerEvent, or one of `UNREADABLE`."""
        envelope = read_envelope(record.headers)
        return envelope, self.decode(envelope.type, record.value or b"")

    def _decode_older(self, type_: str, value: bytes) -> Any:
        name, version = split_wire_type(type_)
        if name not in self._types:
            raise UnknownEventType(f"{type_!r} is not an event of this program")
        cls, newest = self._types[name]
        if version > newest:
            raise NewerEvent(f"{type_!r} is newer than this program, which knows version {newest}: upgrade it")
        fields = self._plain.decode(value)
        for step in range(version, newest):
            fields = self._upcasters[name, step](fields)
        return msgspec.convert(fields, cls)


def wire_type(name: str, version: int) -> str:
    """`message.received`, 1 → `message.received.v1`."""
    return f"{name}.v{version}"


def is_newer(type_: str, types: Mapping[str, tuple[type[Any], int]] = EVENT_TYPES) -> bool:
    """True for one of our events in a version above the newest this program knows."""
    name, _, version = type_.rpartition(".v")
    return name in types and version.isdigit() and int(version) > types[name][1]


def split_wire_type(type_: str) -> tuple[str, int]:
    """The inverse of `wire_type`. Raises UnknownEventType when it has no version."""
    name, separator, version = type_.rpartition(".v")
    if not separator or not version.isdigit() or int(version) < 1:
        raise UnknownEventType(f"{type_!r} has no version, such as `.v1`")
    return name, int(version)


def _without_content(error: Exception) -> str:
    """msgspec names the expected type and the path, but may quote an invalid value: keep the path only."""
    text = str(error)
    path = text.rpartition(" - at `")[2].rstrip("`") if " - at `" in text else "$"
    return f"{type(error).__name__} at {path}"
