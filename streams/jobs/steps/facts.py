"""A workspace's settings as questions and checks take them: the only source of facts in a draft."""

from collections.abc import Iterable
from datetime import datetime

from headrace.events.workspaces import JobSettings, WorkspaceFacts
from streams.ai.questions import Business, Slot
from streams.jobs.step import StepContext

_PRICING = "pricing"


def settings_of(context: StepContext) -> JobSettings:
    """The workspace's settings for jobs."""
    settings = context.workspace.settings
    if not isinstance(settings, JobSettings):
        raise TypeError(f"the profile of workspace {context.workspace.id} has no job settings")
    return settings


def facts_of(context: StepContext) -> WorkspaceFacts:
    """What drafts may state. A workspace that says nothing of itself still has a name."""
    name = context.workspace.name
    return settings_of(context).facts or WorkspaceFacts(sender_name=name, company=name)


def business_of(facts: WorkspaceFacts) -> Business:
    """What may be said on the workspace's behalf."""
    answers = dict(facts.answers)
    if facts.prices and _PRICING not in answers:
        answers[_PRICING] = " ".join(facts.prices)
    return Business(
        company=facts.company,
        sender_name=facts.sender_name,
        offer=facts.service,
        booking_link=facts.calendar_link,
        website=facts.website,
        answers=answers,
        ideal_customer=facts.ideal_customer,
        qualification_questions=facts.qualification_questions,
    )


def open_slots(slots: Iterable[datetime], now: datetime) -> tuple[Slot, ...]:
    """Those still ahead, soonest first."""
    return tuple(Slot(start) for start in sorted(set(slots)) if start > now)


def statements(facts: WorkspaceFacts) -> tuple[str, ...]:
    """Everything that may be repeated, as text."""
    known = (facts.company, facts.sender_name, facts.service, *facts.answers.values(), *facts.prices)
    return tuple(one for one in (*known, *facts.qualification_questions) if one)


def links(facts: WorkspaceFacts) -> tuple[str, ...]:
    """Every link a draft may hold."""
    return tuple(one for one in (facts.calendar_link, facts.website, *facts.allowed_links) if one)
