"""What somebody typed: an id, the beginning of one, a place in the log, a text of a provider's own, or a person."""

import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec

#: Fewer characters of an id would fit too many.
SHORTEST = 8
_PLACE = re.compile(r"([\w.-]+)\[(\d{1,9})\]@(\d{1,18})")
#: A letter that no id of ours has, or what joins the parts of names and addresses: it can be a person's.
_PERSON = re.compile(r"[^\W\d_a-fA-F]|[@ ]")
_HEX = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{0,4}){0,3}(?:-?[0-9a-f]{0,12})?")


class TooShort(ValueError):
    """The beginning of an id names too little; the message says how much is needed."""


class PlaceNamed(msgspec.Struct, frozen=True):
    """`messages[3]@1042`: the topic as it was written, with or without the installation's prefix."""

    topic: str
    partition: int
    offset: int


class IdNamed(msgspec.Struct, frozen=True):
    """A UUID, or the beginning of one: everything from `first` to `last`; or any other text, such as a name."""

    text: str
    first: UUID | None = None
    last: UUID | None = None

    @classmethod
    def of(cls, text: str) -> "IdNamed":
        """A text as an id; in UUIDs capitals count for nothing."""
        lower = text.lower()
        digits = lower.replace("-", "")
        if _HEX.fullmatch(lower) is None or len(digits) > 32:
            return cls(text)
        return cls(lower, UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))


def named(text: str) -> PlaceNamed | IdNamed:
    """What the text names. Raises TooShort."""
    text = text.strip()
    place = _PLACE.fullmatch(text)
    if place is not None:
        return PlaceNamed(place[1], int(place[2]), int(place[3]))
    if len(text) < SHORTEST and (len(text) < 2 or _PERSON.search(text) is None):
        raise TooShort(
            f"{text!r} is too short: give at least {SHORTEST} characters of an id, or a person's whole first or last "
            "name, e-mail address or phone number"
        )
    return IdNamed.of(text)


def received_at(receipt_id: str) -> datetime | None:
    """When the gateway drew the id: receipts are UUIDv7, which begin with their time. None for any other id."""
    try:
        found = UUID(receipt_id)
    except ValueError:
        return None
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC) if found.version == 7 else None
