"""Reads when a lead wants to hear from us again, where its words leave no doubt."""

import re
from datetime import datetime

from msgspec.structs import replace

from streams.ai.answers import FollowUpTiming
from streams.ai.follow_up_timing import read_timing
from streams.ai.phrases import Phrases
from streams.ai.rules.cleaning import own_words
from streams.ai.rules.reply import Reply
from streams.ai.time_phrases import MONTH_NUMBER, READ_LIMIT

#: Of words that need no model: behind them stands a date or a quarter.
_PLAIN_CONFIDENCE = {"day": 0.99, "quarter": 0.97}
_BEFORE_DATE = Phrases(
    r"\b(?:after|until|till|til|from|in|ab|nach|bis|im|après|jusqu'au|à partir du|después del?|hasta(?: el)?)"
    r"(?:\s+(?:the|le|el|dem|zum))?\s*$",
    re.IGNORECASE,
)
_MONTH = rf"\b(?:{'|'.join(map(re.escape, MONTH_NUMBER))})\b"
_MONTH_DAY = re.compile(
    rf"{_MONTH}.{{0,120}}\d|\d.{{0,120}}{_MONTH}"
    r"|^(?:20\d\d-\d\d-\d\d|\d{1,2}\.\d{1,2}\..{0,120})$|\b(?:Q|T)[1-4]\b|\b[1-4]\. Quartal\b",
    re.IGNORECASE,
)


def read_part(reply: Reply) -> Reply:
    """As much of a reply as times are read in."""
    return replace(reply, text=reply.text[:READ_LIMIT])


def plain_timing(reply: Reply, written: datetime) -> FollowUpTiming | None:
    """A month and day, or a quarter, behind a word such as "after": read without a model. None when in doubt.

    `written` is the moment of writing in the lead's zone.
    """
    text = own_words(read_part(reply)).text
    found = read_timing(text, written, is_deferral=True)
    if found.day is None or not found.phrase or found.precision not in _PLAIN_CONFIDENCE:
        return None
    before = text[: text.find(found.phrase)]
    if not _BEFORE_DATE.search(before) or not _MONTH_DAY.search(found.phrase):
        return None
    return found.model_copy(update={"confidence": _PLAIN_CONFIDENCE[found.precision]})
