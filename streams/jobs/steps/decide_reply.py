"""Decides whether the draft may go out by itself, with every reason against it, or that a person must answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from headrace.events.enrichments import Decision, ReplyDecided
from headrace.events.inbox import Channel
from headrace.events.workspaces import JobSettings, ResponseMode
from streams.ai import tasks
from streams.ai.answers import ReplyDecision
from streams.ai.english import is_surely_english
from streams.ai.labels import polarities_agree
from streams.ai.provider import AIResult
from streams.ai.questions import DecideFacts, DecideReply
from streams.ai.reading import Unreadable
from streams.jobs.step import ForPerson, JobInput, Step, StepContext, StepOutcome, is_suppressed
from streams.jobs.steps.asking import ask
from streams.jobs.steps.classify import classify_question
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.draft import NAME as DRAFT
from streams.jobs.steps.draft import NO_DRAFT
from streams.jobs.steps.facts import business_of, facts_of, open_slots, settings_of
from streams.jobs.steps.handing_over import needs_person
from streams.jobs.steps.lead_zone import lead_zone
from streams.jobs.steps.left_undrafted import Left, why_left
from streams.jobs.steps.reading import later, lead_of, names_of
from streams.jobs.steps.sending_time import send_at
from streams.jobs.steps.unreadable import was_unreadable
from streams.jobs.steps.verdict import UNREADABLE_RULE, Verdict, verdict_of

NAME = "decide_reply"
#: Channels on which a person sends every message.
BY_HAND: frozenset[Channel] = frozenset({"linkedin"})
_LOCAL = "local"


async def run(context: StepContext) -> StepOutcome:
    """When to send, or why a person decides or answers, or why there is nothing to answer, or nobody may."""
    draft, verdict = context.results[DRAFT], verdict_of(context)
    blocks = _blocks(context.job, verdict)
    if "body" not in draft:
        return await _without_draft(context, draft, verdict, blocks)
    mode, threshold = rules_for(context.job, settings_of(context))
    if blocks:
        return _decided(context, "blocked", blocks, mode, threshold)
    if doubts := await _doubts(context, draft, verdict, mode):
        return _decided(context, "needs_review", doubts, mode, threshold)
    return await _evaluated(context, draft, verdict, mode, threshold)


async def _evaluated(
    context: StepContext, draft: dict[str, Any], verdict: Verdict, mode: ResponseMode, threshold: float
) -> StepOutcome:
    """What a model says to a draft that nothing known speaks against."""
    try:
        answer = await ask(context, tasks.decide_reply, await _question(context, draft["body"], verdict))
        against = await _against(context, answer, verdict, threshold)
    except Unreadable:
        return _decided(context, "needs_review", [UNREADABLE_RULE], mode, threshold)
    except ForPerson as failure:
        named = [f"field:{field}" for field in failure.fields]
        return _decided(context, "needs_review", [failure.person_reason, *named], mode, threshold)
    if against:
        return _decided(context, "needs_review", against, mode, threshold, answer)
    message = context.job.message
    at = send_at(message.message_id, message.sent_at, context.now, settings_of(context), context.workspace.timezone)
    return _decided(context, "send_at", [], mode, threshold, answer, at)


async def _without_draft(
    context: StepContext, draft: dict[str, Any], verdict: Verdict, blocks: Sequence[str]
) -> StepOutcome:
    """Nobody may or need answer, for one reason; or a person must, for one reason."""
    if blocks:
        return skipped(context, NAME, blocks[0])
    try:
        left = await context.read(why_left, _no_draft(draft), verdict, context.job.message.text, names_of(context.job))
    except Unreadable:
        left = Left(person="unreadable")
    return skipped(context, NAME, left.nothing) if left.nothing else needs_person(context, NAME, left.person)


def _no_draft(draft: dict[str, Any]) -> str:
    """Why there is none, by the result of the step that drafts."""
    if "rejected" in draft:
        return "draft_rejected"
    return UNREADABLE_RULE if draft.get(UNREADABLE_RULE) else str(draft.get(NO_DRAFT, ""))


def rules_for(job: JobInput, settings: JobSettings) -> tuple[ResponseMode, float]:
    """Mode and threshold: those of the message's campaign, else of the lead's, else of the workspace."""
    lead_campaign = job.lead.campaign if job.lead is not None else None
    campaign = job.message.campaign or lead_campaign
    own = settings.campaigns.get(campaign.id) if campaign is not None else None
    mode = own.response_mode if own is not None and own.response_mode else settings.response_mode
    threshold = own.auto_send_threshold if own is not None else None
    return mode, settings.auto_send_threshold if threshold is None else threshold


def _blocks(job: JobInput, verdict: Verdict) -> list[str]:
    """What nobody may override, and nobody need answer."""
    found = {
        "suppressed": is_suppressed(job),
        "opt_out": verdict.opt_out,
        # A Blacklist that nobody can account for waits for a person, who has no draft to look at.
        "blacklist": verdict.label == "Blacklist" and not verdict.needs_review,
        "automated": verdict.is_automated or job.message.is_automated,
        "newer_message": _is_written_again(job),
        "answered_meanwhile": _is_answered(job),
    }
    return [reason for reason, holds in found.items() if holds]


def is_overtaken(job: JobInput) -> bool:
    """Whatever a model says: the lead may not be written to, another answer is due, or was given."""
    return is_suppressed(job) or _is_written_again(job) or _is_answered(job)


def _is_written_again(job: JobInput) -> bool:
    return any(one.direction == "inbound" and not one.is_automated for one in later(job))


def _is_answered(job: JobInput) -> bool:
    return any(one.direction == "outbound" and one.source == "direct" for one in later(job))


async def _doubts(context: StepContext, draft: dict[str, Any], verdict: Verdict, mode: ResponseMode) -> list[str]:
    """What a person must look at, known without a model."""
    booking = context.results.get("booking_decision", {})
    found = {
        "linkedin_is_sent_by_hand": context.job.message.channel in BY_HAND,
        "setter_managed": mode == "SETTER_MANAGED",
        "call_requested": verdict.label == "Call Requested",
        "own_scheduler": booking.get("reason") == "own_scheduler",
        "label_needs_review": verdict.needs_review,
        "draft_needs_review": bool(draft.get("needs_review")),
        "injection_suspected": verdict.injection_suspected or bool(draft.get("injection_suspected")),
        "not_surely_english": not await _is_surely_english(context),
        UNREADABLE_RULE: was_unreadable(context),
    }
    return [reason for reason, holds in found.items() if holds]


async def _is_surely_english(context: StepContext) -> bool:
    """Of any other language, or of too few words to tell, nobody here knows whether label and draft fit."""
    try:
        return await context.read(is_surely_english, context.job.message.text, names_of(context.job))
    except Unreadable:
        return False


async def _against(
    context: StepContext, answer: AIResult[ReplyDecision], verdict: Verdict, threshold: float
) -> list[str]:
    """What the evaluator says against sending, and whether a second reader understood the lead alike."""
    value = answer.value
    found = [] if value.safe_to_send else ["unsafe"]
    found += value.concerns
    if value.confidence < threshold:
        found.append("below_threshold")
    if answer.injection_suspected:
        found.append("injection_suspected")
    if not found and answer.provider != _LOCAL:
        second = await ask(context, tasks.classify, classify_question(context.job), embedded=True)
        if not polarities_agree(second.value.label, verdict.label):
            found.append("classifiers_disagree")
    return found


async def _question(context: StepContext, body: str, verdict: Verdict) -> DecideReply:
    facts = facts_of(context)
    return DecideReply(
        facts=DecideFacts(
            channel=context.job.message.channel,
            label=verdict.label,
            confidence=verdict.confidence,
            business=business_of(facts),
            timezone=(await lead_zone(context, verdict)).name,
            slots=open_slots(facts.offered_slots, context.now),
            needs_review=verdict.needs_review,
            injection_suspected=verdict.injection_suspected,
            is_automated=verdict.is_automated,
        ),
        lead=lead_of(context.job),
        draft=body,
    )


def _decided(
    context: StepContext,
    decision: Decision,
    reasons: list[str],
    mode: ResponseMode,
    threshold: float,
    answer: AIResult[ReplyDecision] | None = None,
    at: datetime | None = None,
) -> StepOutcome:
    return concluded(
        context,
        NAME,
        ReplyDecided,
        ai=answer,
        draft_id=context.results[DRAFT]["draft_id"],
        channel=context.job.message.channel,
        decision=decision,
        send_at=at,
        reasons=tuple(reasons),
        confidence=answer.value.confidence if answer is not None else None,
        threshold=threshold,
        response_mode=mode,
        result={"decision": decision},
    )


STEP = Step(NAME, run, dependency="ai", deadline=90.0, overtaken=is_overtaken)
