"""How a call to a provider ended, and what a look-up found: the words in which clients and the ledger talk.

The line that matters is drawn once, here: only `NotReached`, `Refused`, `RateLimited` and `AccountHeld` say that the
provider surely did nothing. Whatever is not sure is `Unknown`.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

#: The provider's ids of what came of it, by its own names: `message_id`, `conversation_id`, `event`.
ProviderIds = Mapping[str, str]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The provider says it did it. Some name no id of what they made."""

    provider_ids: ProviderIds = {}
    http_status: int = 200


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The provider says it did not do it, and asking again would change nothing."""

    #: A word of ours or the provider's own error type: `dnd`, `invalid_recipient`.
    type: str
    #: The provider's message, without what we wrote; at most 300 characters.
    detail: str = ""
    http_status: int = 0


class RateLimited(msgspec.Struct, frozen=True, kw_only=True):
    """Not done: too many calls. `retry_after` is seconds from the answer, None where the provider names none."""

    retry_after: float | None = None


class AccountHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Not done, and nothing of this account will be until a person looks: a bad key, a disconnected account."""

    reason: str
    http_status: int = 0


class NotReached(msgspec.Struct, frozen=True, kw_only=True):
    """Not one byte of the request left: no connection, no name, no TLS."""

    reason: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Something left, and no whole answer that says what became of it came back."""

    reason: str
    http_status: int = 0


Outcome = Sent | Refused | RateLimited | AccountHeld | NotReached | Unknown


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a look-up asked and saw. No text of a message and no secret is in it."""

    #: Method and path as documented, such as `GET /chats/{id}/messages`.
    route: str
    asked_at: datetime
    #: The provider's times that count as ours.
    since: datetime
    until: datetime
    #: Records that were looked at, and those with our thread and time but another text.
    looked_at: int = 0
    near: int = 0
    #: The matching records' ids, and the first one's time as the provider says it.
    record_ids: tuple[str, ...] = ()
    record_at: datetime | None = None
    note: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one record is ours."""

    provider_ids: ProviderIds
    evidence: Evidence


class NotFound(msgspec.Struct, frozen=True, kw_only=True):
    """The provider answered from live data, and nothing of it is or resembles ours. It may show up later."""

    evidence: Evidence


class Several(msgspec.Struct, frozen=True, kw_only=True):
    """More than one record could be ours, or only near ones: a person has to look."""

    evidence: Evidence


class CantTell(msgspec.Struct, frozen=True, kw_only=True):
    """The look-up failed, was limited, or its data may be stale: it proves nothing."""

    reason: str
    #: Seconds after which asking again may help; None where nobody says.
    retry_after: float | None = None


LookUp = Found | NotFound | Several | CantTell
