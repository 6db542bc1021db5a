"""Words of others on their way into a prompt: cleaned, capped, and encoded so that they stay words."""

import re

import msgspec

from streams.ai.questions import Lead, Question, Said
from streams.ai.rules.injection import without_injection
from streams.ai.rules.normalising import normalised

#: Characters kept of the newest text, of each earlier message, of a subject, and of a name.
TEXT_LIMIT = 6_000
HISTORY_TEXT_LIMIT = 1_000
SUBJECT_LIMIT = 200
NAME_LIMIT = 80
#: The newest earlier messages that are shown.
HISTORY_LIMIT = 12
#: What is left for a model whose context is too small for all of it.
TRIMMED_HISTORY = 2
TRIMMED_TEXT_LIMIT = 2_000

#: Control, format and tag characters that hide text from people or break protocols; tab and newline stay.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]|[\ud800-\udfff]"
)
#: `<`, `>` and `&` as JSON escapes: no tag, comment or chat marker survives, and JSON readers see the same text.
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
_CUT = "[…]"


def cleaned(text: str, limit: int) -> str:
    """At most `limit` characters without invisible ones; what was cut is marked."""
    # One spelling of wide, circled and ligature letters: a disguise for people's eyes is none for a filter.
    visible = _HIDDEN.sub("", normalised(text, "NFKC", 4 * limit).replace("\r\n", "\n")).strip()
    return visible if len(visible) <= limit else f"{visible[: limit - len(_CUT)]}{_CUT}"


class Screened(msgspec.Struct, frozen=True):
    """A lead's words as a model may see them."""

    lead: Lead
    #: The newest text, its subject or a name addresses a model: nothing may be sent or booked without a person.
    injection_suspected: bool


def screened_lead(lead: Lead, *, trimmed: bool = False) -> Screened:
    """Cleaned, capped, and without the sentences that address a model. `trimmed` for a model that takes less."""
    text, suspected = without_injection(cleaned(lead.text, TRIMMED_TEXT_LIMIT if trimmed else TEXT_LIMIT))
    names = {
        field: _screened_name(getattr(lead, field)) for field in ("first_name", "company", "industry", "headcount")
    }
    subject, subject_suspected = _screened_name(lead.subject, SUBJECT_LIMIT)
    shown = Lead(
        text=text,
        subject=subject,
        history=tuple(_earlier(one) for one in lead.history[-(TRIMMED_HISTORY if trimmed else HISTORY_LIMIT) :]),
        **{field: name for field, (name, _) in names.items()},
    )
    return Screened(shown, suspected or subject_suspected or any(found for _, found in names.values()))


def _earlier(said: Said) -> Said:
    text = cleaned(said.text, HISTORY_TEXT_LIMIT)
    return Said(said.direction, text if said.direction == "outbound" else without_injection(text)[0])


def untrusted_document(question: Question, *, trimmed: bool = False) -> str:
    """Everything of a question that others wrote, as one line of JSON."""
    fields = {name: getattr(question, name) for name in question.__struct_fields__ if name != "facts"}
    fields["lead"] = screened_lead(question.lead, trimmed=trimmed).lead
    return msgspec.json.encode(fields).decode().translate(_ESCAPES)


def trusted_document(question: Question) -> str:
    """The facts of a question as one line of JSON."""
    return msgspec.json.encode(question.facts).decode()


def _screened_name(text: str | None, limit: int = NAME_LIMIT) -> tuple[str | None, bool]:
    """One line: a name with line breaks is no name, and one that addresses a model is none at all."""
    if not text:
        return None, False
    name, suspected = without_injection(" ".join(cleaned(text, limit).split()))
    return (None if suspected else name or None), suspected
