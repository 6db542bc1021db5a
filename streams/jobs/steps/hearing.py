"""What deterministic rules hear in a message, read in one go."""

import msgspec

from streams.ai.rules.cleaning import Words, own_words
from streams.ai.rules.decision import RuleHit, decide
from streams.ai.rules.phone import find_phone
from streams.ai.rules.proposed_time import proposes_time
from streams.ai.rules.reply import Reply


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules know of a message."""

    #: What its author wrote now.
    words: Words
    #: The rule that is sure, None where a model must be asked.
    hit: RuleHit | None
    #: E.164; signature included.
    phone: str | None
    #: A day, date or clock time for a meeting or call with us.
    proposed_time: bool


def hear(own: Reply, whole: Reply) -> Heard:
    """`own` holds what the provider's adapter took for the author's words, `whole` the message as it came."""
    words = own_words(own)
    hit = decide(whole, words)
    all_words = words if whole.text == own.text else own_words(whole)
    return Heard(
        words=words,
        hit=hit,
        phone=find_phone(all_words.with_signature),
        proposed_time=hit is not None and proposes_time(hit.label, words.text),
    )
