"""Which of the provider's records is the reply that was claimed: one rule for all of them.

Same account and thread, outbound, equal normalised text, and a time of the provider's within two minutes before and ten
after the claim. Exactly one is it; several, or only near ones, are for a person.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from difflib import SequenceMatcher

import msgspec

from headrace.providers.html_text import html_to_text, looks_like_html
from headrace.providers.reply_text import reply_text
from streams.effects.clients.reply import AFTER_CLAIM, BEFORE_CLAIM, Reply
from streams.effects.outcome import Evidence, Found, LookUp, NotFound, ProviderIds, Several

_BLANKS = re.compile(r"\s+")
#: Typographic quotes and dashes, and the blank that does not break.
_QUOTES = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-"}
_RESEMBLES = 0.9
_COMPARED = 4_000


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An outbound message of the thread as the provider tells it. Inbound ones are no records."""

    ids: ProviderIds
    #: Identifies it among the records.
    id: str
    text: str = ""
    html: str = ""
    #: None when the provider names no time, or one that can't be read.
    at: datetime | None
    #: False when the provider says that something else wrote it: it can only resemble ours.
    is_ours: bool = True
    #: What the provider says became of it, in its own word: it was sent, and may not have been delivered.
    status: str = ""


def match(reply: Reply, records: Iterable[Record], route: str, asked_at: datetime) -> LookUp:
    """What the records say about the reply."""
    wanted = normal(reply.text)
    since, until = reply.claimed_at - BEFORE_CLAIM, reply.claimed_at + AFTER_CLAIM
    looked_at = {record.id: record for record in records if record.id not in reply.known_ids}
    timely = [record for record in looked_at.values() if record.at is None or since <= record.at <= until]
    equal = [one for one in timely if one.at is not None and one.is_ours and wanted in _readings(one)]
    near = [one for one in timely if one not in equal and any(_resembles(wanted, text) for text in _readings(one))]
    evidence = Evidence(
        route=route,
        asked_at=asked_at,
        since=since,
        until=until,
        looked_at=len(looked_at),
        near=len(near),
        record_ids=tuple(record.id for record in equal),
        record_at=equal[0].at if equal else None,
        note=equal[0].status if equal else "",
    )
    if len(equal) == 1:
        return Found(provider_ids=equal[0].ids, evidence=evidence)
    return Several(evidence=evidence) if equal or near else NotFound(evidence=evidence)


def normal(text: str) -> str:
    """The text as it is compared: one spelling of blanks, quotes and accents."""
    plain = unicodedata.normalize("NFKC", html.unescape(text)).translate(_QUOTES)
    return _BLANKS.sub(" ", plain).strip()


def _readings(record: Record) -> set[str]:
    """The record's text whole, and without what was quoted below it."""
    plain = "" if looks_like_html(record.text) else record.text
    marked_up = record.html or ("" if plain else record.text)
    whole = plain if plain.strip() else html_to_text(marked_up)
    return {normal(whole), normal(reply_text(plain, marked_up))} - {""}


def _resembles(wanted: str, text: str) -> bool:
    ours, theirs = wanted[:_COMPARED], text[:_COMPARED]
    if ours in theirs or theirs in ours:
        return True
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    return matcher.real_quick_ratio() >= _RESEMBLES and matcher.quick_ratio() >= _RESEMBLES
