"""The six things Headrace asks of a model: each with its prompt, its schema, and what its answer may not contradict."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from streams.ai.answers import Booking, Classified, Draft, FollowUpTiming, ReplyDecision, Score
from streams.ai.prompts import load_prompt
from streams.ai.provider import AITask, Caller, Feature
from streams.ai.questions import (
    Classify,
    DecideReply,
    ExtractBooking,
    ExtractTiming,
    Question,
    QuestionName,
    ScoreLead,
    WriteDraft,
)
from streams.ai.rules.normalising import normalised

Q = TypeVar("Q", bound=Question)
A = TypeVar("A", bound=BaseModel)

#: Question by question: the key of its prompt, which also names its schema on the wire.
PROMPT_KEYS: Mapping[type, QuestionName] = {
    Classify: "classify",
    WriteDraft: "draft",
    DecideReply: "decide_reply",
    ExtractTiming: "follow_up_timing",
    ExtractBooking: "booking",
    ScoreLead: "score",
}
#: Question by question: the feature it belongs to, and the schema of its answer.
FEATURE_OF: Mapping[type, Feature] = {
    Classify: "sentiment.classify",
    WriteDraft: "draft.generate",
    DecideReply: "auto_send.evaluate",
    ExtractTiming: "followup.extract_timing",
    ExtractBooking: "meeting.extract",
    ScoreLead: "lead_scoring.score",
}
ANSWERS: Mapping[type, type[BaseModel]] = {
    Classify: Classified,
    WriteDraft: Draft,
    DecideReply: ReplyDecision,
    ExtractTiming: FollowUpTiming,
    ExtractBooking: Booking,
    ScoreLead: Score,
}
#: What each step may take, seconds, all tries together; `AI_TIMEOUTS` changes single ones.
DEFAULT_TIMEOUTS: Mapping[Feature, float] = {
    "sentiment.classify": 25.0,
    "draft.generate": 60.0,
    "auto_send.evaluate": 20.0,
    "followup.extract_timing": 20.0,
    "meeting.extract": 20.0,
    "lead_scoring.score": 20.0,
}


def classify(question: Classify, caller: Caller) -> AITask[Classified]:
    """Label one message."""
    return _task(question, Classified, caller, max_output_tokens=800)


def draft(question: WriteDraft, caller: Caller) -> AITask[Draft]:
    """Write a reply."""
    return _task(question, Draft, caller, max_output_tokens=2_000)


def decide_reply(question: DecideReply, caller: Caller) -> AITask[ReplyDecision]:
    """Judge whether a draft may go out by itself."""
    return _task(question, ReplyDecision, caller, max_output_tokens=1_000)


def extract_timing(question: ExtractTiming, caller: Caller) -> AITask[FollowUpTiming]:
    """Read when to write again."""
    return _task(question, FollowUpTiming, caller, max_output_tokens=800)


def extract_booking(question: ExtractBooking, caller: Caller) -> AITask[Booking]:
    """Read which meeting time is meant."""
    return _task(question, Booking, caller, max_output_tokens=1_000)


def score(question: ScoreLead, caller: Caller) -> AITask[Score]:
    """Score the lead."""
    return _task(question, Score, caller, max_output_tokens=1_000)


def _task(question: Q, answer: type[A], caller: Caller, max_output_tokens: int) -> AITask[A]:
    prompt = load_prompt(PROMPT_KEYS[type(question)])
    return AITask(
        feature=FEATURE_OF[type(question)],
        prompt=prompt,
        question=question,
        answer=answer,
        caller=caller,
        max_output_tokens=max_output_tokens,
    )


def contradictions(question: Question, answer: BaseModel) -> tuple[str, ...]:
    """Fields of an answer, valid by its schema, that the question itself rules out: names only, no content."""
    check = _CONTRADICTIONS.get(type(answer))
    return check(question, answer) if check is not None else ()


def _classified(question: Classify, answer: Classified) -> tuple[str, ...]:
    if answer.contains_phone is None:
        return ()
    # The last digits are spelled alike with and without a country code.
    is_there = answer.contains_phone[-6:] in re.sub(r"\D", "", question.lead.text)
    return () if is_there else ("contains_phone",)


def _timing(question: ExtractTiming, answer: FollowUpTiming) -> tuple[str, ...]:
    fields = []
    if answer.phrase and not _is_in(answer.phrase, question.lead.text):
        fields.append("phrase")
    if answer.day is not None and answer.day < question.facts.sent_at.date():
        fields.append("day")
    return tuple(fields)


def _booking(question: ExtractBooking, answer: Booking) -> tuple[str, ...]:
    fields = []
    if answer.slot_index is not None and answer.slot_index >= len(question.facts.slots):
        fields.append("slot_index")
    for position, time in enumerate(answer.proposed):
        if not _is_in(time.phrase, question.lead.text):
            fields.append(f"proposed.{position}.phrase")
        if time.day < question.facts.sent_at.date():
            fields.append(f"proposed.{position}.day")
    return tuple(fields)


def _score(question: ScoreLead, answer: Score) -> tuple[str, ...]:
    is_over = answer.overall > 2 and answer.fit == 1
    lost = question.facts.label == "Blacklist" and answer.overall > 1
    return ("overall",) if is_over or lost else ()


def _is_in(phrase: str, text: str) -> bool:
    """Whether the words stand in the text, whatever the case, spacing and width of letters."""
    return _evened(phrase) in _evened(text)


def _evened(text: str) -> str:
    return " ".join(normalised(text, "NFKC").split()).casefold()


_CONTRADICTIONS: Mapping[type[BaseModel], Callable[[Any, Any], tuple[str, ...]]] = {
    Classified: _classified,
    FollowUpTiming: _timing,
    Booking: _booking,
    Score: _score,
}
