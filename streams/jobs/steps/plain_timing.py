"""Reads when a lead wants to hear from us again, where its words leave no doubt."""

from datetime import datetime

from msgspec.structs import replace

from streams.ai.answers import FollowUpTiming
from streams.ai.dates.meanings import Day, Meaning, Months
from streams.ai.dates.mentions import READ_LIMIT
from streams.ai.dates.roles import Chosen
from streams.ai.follow_up_timing import explained_timing
from streams.ai.rules.cleaning import own_words
from streams.ai.rules.reply import Reply

#: Of words that need no model: a date, or a quarter.
_DATE_CONFIDENCE, _QUARTER_CONFIDENCE = 0.99, 0.97
_MONTHS_OF_A_QUARTER = 3
#: Below, the grammar itself is not sure.
_SURE = 0.9


def read_part(reply: Reply) -> Reply:
    """As much of a reply as times are read in."""
    return replace(reply, text=reply.text[:READ_LIMIT])


def plain_timing(reply: Reply, written: datetime) -> FollowUpTiming | None:
    """A month and day, or a quarter, behind a word such as "after": read without a model. None when in doubt.

    `written` is the moment of writing in the lead's zone.
    """
    text = own_words(read_part(reply)).text
    read = explained_timing(text, written, is_deferral=True)
    if read.chosen is None or read.timing.day is None or not _is_plain(read.chosen):
        return None
    is_quarter = isinstance(read.chosen.mention.meaning, Months)
    return read.timing.model_copy(update={"confidence": _QUARTER_CONFIDENCE if is_quarter else _DATE_CONFIDENCE})


def _is_plain(chosen: Chosen) -> bool:
    meaning, relation = chosen.mention.meaning, chosen.mention.relation
    if chosen.first.certainty < _SURE or chosen.role == "event":
        return False
    if _is_quarter(meaning):
        return chosen.mention.announced
    is_full = isinstance(meaning, Day) and all(month is not None for month, _ in meaning.readings)
    return is_full and relation in ("after", "until", "through", "from")


def _is_quarter(meaning: Meaning | None) -> bool:
    return isinstance(meaning, Months) and meaning.count == _MONTHS_OF_A_QUARTER and meaning.certainty > _SURE
