"""What a model may answer: closed schemas. Whatever does not fit is refused, so words of a lead can't widen them."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streams.ai.labels import Label

Confidence = Annotated[float, Field(ge=0, le=1)]
Grade = Literal[1, 2, 3, 4]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Phrase = Annotated[str, Field(max_length=120)]

#: Why a draft should not go out by itself.
Concern = Literal[
    "bare_acknowledgement",
    "date_mismatch",
    "fabricated_fact",
    "fabricated_link",
    "lead_opted_out",
    "non_logistics_reply",
    "question_not_answered",
    "sensitive_topic",
    "slot_mismatch",
    "tone",
    "unsure_label",
    "wants_a_person",
]


class Answer(BaseModel):
    """All fields required, none besides them, no coercion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Classified(Answer):
    """The label of one message."""

    label: Label
    #: The person asks to end contact, complains of spam or threatens legal steps. Adds suppression, never lifts it.
    opt_out: bool
    bounce: bool
    #: E.164.
    contains_phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None
    #: A day, date or clock time for a meeting or call with us.
    proposed_time: bool
    confidence: Confidence


class Draft(Answer):
    """A reply, or why there is none."""

    outcome: Literal["drafted", "other_language", "facts_missing", "no_reply_needed"]
    body: Annotated[str, Field(max_length=4000)] | None

    @model_validator(mode="after")
    def _body_if_drafted(self) -> "Draft":
        if (self.outcome == "drafted") != bool(self.body and self.body.strip()):
            raise ValueError("a body belongs to the outcome drafted, and only to it")
        return self


class ReplyDecision(Answer):
    """Whether a draft may go out by itself, before thresholds and hours are applied."""

    safe_to_send: bool
    confidence: Confidence
    concerns: Annotated[tuple[Concern, ...], Field(max_length=12)]

    @model_validator(mode="after")
    def _safe_without_concerns(self) -> "ReplyDecision":
        if self.safe_to_send and self.concerns:
            raise ValueError("safe_to_send with concerns")
        return self


class FollowUpTiming(Answer):
    """When the lead wants to hear from us again."""

    is_deferral: bool
    #: The first day on which writing again is welcome.
    day: date | None
    clock: Clock | None
    precision: Literal["time", "day", "week", "month", "quarter", "vague", "none"]
    #: The lead's words this was read from.
    phrase: Phrase | None
    confidence: Confidence

    @model_validator(mode="after")
    def _day_has_words(self) -> "FollowUpTiming":
        if self.day is not None and not self.phrase:
            raise ValueError("a day needs the phrase it was read from")
        if self.clock is not None and self.day is None:
            raise ValueError("a clock time needs a day")
        return self


class ProposedTime(Answer):
    """A time the lead named."""

    day: date
    clock: Clock | None
    #: The lead's words this was read from.
    phrase: Phrase


#: Times that one message proposes. Who names more has sent a calendar, and a person looks.
MOST_PROPOSED = 10


class Booking(Answer):
    """What the lead wants of our calendar."""

    intent: Literal[
        "accepts_slot", "proposes_time", "asks_for_times", "own_scheduler", "reschedules", "cancels", "none"
    ]
    #: Position in the offered slots, from 0.
    slot_index: Annotated[int, Field(ge=0, lt=1_000)] | None
    proposed: Annotated[tuple[ProposedTime, ...], Field(max_length=MOST_PROPOSED)]
    confidence: Confidence

    @model_validator(mode="after")
    def _slot_if_accepted(self) -> "Booking":
        if (self.slot_index is not None) != (self.intent == "accepts_slot"):
            raise ValueError("a slot belongs to the intent accepts_slot, and only to it")
        return self


class Score(Answer):
    """Fit, intent and overall, 1 (drop) to 4 (best)."""

    fit: Grade
    intent: Grade
    overall: Grade
    reasoning: Annotated[str, Field(max_length=500)]


#: Keywords of JSON Schema that servers with strict schemas refuse or ignore: these we check ourselves.
_CHECKED_HERE = frozenset({
    "title", "description", "default", "format", "pattern", "minimum", "maximum", "exclusiveMaximum", "minLength",
    "maxLength", "maxItems",
})  # fmt: skip


def wire_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of an answer as servers with strict schemas take it."""
    return _object(_without(answer.model_json_schema()))


def _object(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict):
        raise TypeError("an answer must be an object")
    return schema


def _without(node: Any) -> Any:
    if isinstance(node, list):
        return [_without(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _properties(value) if name in ("properties", "$defs") else _without(value)
        for name, value in node.items()
        if name not in _CHECKED_HERE
    }


def _properties(named: dict[str, Any]) -> dict[str, Any]:
    """The names below `properties` are ours, even where they are spelled like keywords."""
    return {name: _without(schema) for name, schema in named.items()}
