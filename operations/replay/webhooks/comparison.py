"""Readings of today against the log: what would change, what is held back and why. Values in, values out."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from headrace.events.receipts import ReceiptJudged
from operations.replay.webhooks.reading import Reading
from operations.replay.webhooks.recorded import Recorded

#: Why a webhook's differences are shown, but not written.
HeldBack = Literal["vanished", "renamed"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How one webhook is read otherwise than recorded. Message ids, and positions in its facts."""

    reading: Reading
    verdict: ReceiptJudged
    changed: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    #: Recorded, but not read any more.
    vanished: tuple[str, ...] = ()
    #: Recorded messages whose lead is described otherwise.
    about_lead: tuple[str, ...] = ()
    #: Suppressions and signals, by digest.
    new_evidence: tuple[bytes, ...] = ()
    vanished_evidence: int = 0
    is_verdict_changed: bool = False

    @property
    def held_back(self) -> HeldBack | None:
        """A message can't be taken back, and one under another id would be answered a second time."""
        if not self.vanished:
            return None
        return "renamed" if self.new else "vanished"

    @property
    def is_written(self) -> bool:
        """True when there is something to correct, and nothing that holds it back."""
        return self.held_back is None and bool(self.changed or self.new or self.new_evidence or self.is_verdict_changed)


class Comparison(msgspec.Struct, kw_only=True):
    """The window as a whole."""

    webhooks: int = 0
    duplicates: int = 0
    #: Without a verdict, or with messages the log does not have: under way, or dead letters.
    unsettled: int = 0
    #: A later webhook tells of the same message, and is what counts.
    superseded: int = 0
    same: int = 0
    differences: list[Difference] = []


def compare(readings: Iterable[Reading], recorded: Recorded) -> Comparison:
    """Every reading against what is recorded of its receipt."""
    found = Comparison()
    for reading in readings:
        found.webhooks += 1
        verdict = recorded.verdicts.get(reading.receipt_id)
        if verdict is not None and verdict.verdict in ("duplicate", "quarantined"):
            found.duplicates += 1
        elif verdict is None or any(id_ not in recorded.messages for id_ in verdict.message_ids):
            found.unsettled += 1
        else:
            _add(found, reading, verdict, recorded)
    return found


def _add(found: Comparison, reading: Reading, verdict: ReceiptJudged, recorded: Recorded) -> None:
    difference = _difference(reading, verdict, recorded)
    own = [id_ for id_ in verdict.message_ids if recorded.messages[id_].receipt_id == reading.receipt_id]
    found.superseded += len(own) < len(verdict.message_ids)
    if difference.is_written or difference.vanished or difference.about_lead or difference.vanished_evidence:
        found.differences.append(difference)
    else:
        found.same += 1


def _difference(reading: Reading, verdict: ReceiptJudged, recorded: Recorded) -> Difference:
    receipt_id, known = reading.receipt_id, recorded.messages
    own = {m.message_id: m for m in reading.messages if known.get(m.message_id) is not None}
    mine = {id_: m for id_, m in own.items() if known[id_].receipt_id == receipt_id}
    evidence = recorded.evidence.get(receipt_id, set())
    return Difference(
        reading=reading,
        verdict=verdict,
        changed=tuple(id_ for id_, m in mine.items() if m.content != known[id_].content),
        new=tuple(id_ for id_ in reading.message_ids if id_ not in known),
        vanished=tuple(
            id_
            for id_ in dict.fromkeys(verdict.message_ids)
            if id_ not in reading.message_ids and known[id_].receipt_id == receipt_id
        ),
        about_lead=tuple(
            id_ for id_, m in mine.items() if recorded.about_lead.get((receipt_id, id_), m.about_lead) != m.about_lead
        ),
        new_evidence=tuple(one for one in dict.fromkeys(reading.evidence) if one not in evidence),
        vanished_evidence=len(evidence.difference(reading.evidence)),
        is_verdict_changed=_said(reading) != _recorded(verdict),
    )


def _said(reading: Reading) -> tuple[object, ...]:
    return reading.verdict, reading.reason, reading.provider_event, reading.message_ids, reading.fact_count


def _recorded(verdict: ReceiptJudged) -> tuple[object, ...]:
    return verdict.verdict, verdict.reason, verdict.provider_event, verdict.message_ids, verdict.fact_count
