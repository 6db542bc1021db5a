"""What a draft may rest on, gathered from the question it answers."""

from datetime import datetime

from streams.ai.draft_checks import DraftContext
from streams.ai.prompts import load_prompt
from streams.ai.questions import WriteDraft
from streams.ai.untrusted import screened_lead


def draft_context(
    question: WriteDraft,
    *,
    written: datetime,
    already_booked: bool = False,
    phones: tuple[str, ...] = (),
    other_workspaces: tuple[str, ...] = (),
) -> DraftContext:
    """The context for `check_draft`. `written` is when the lead wrote, `phones` what may be named, as E.164."""
    facts, business = question.facts, question.facts.business
    lead = screened_lead(question.lead).lead
    return DraftContext(
        channel=facts.channel,
        label=facts.label,
        written=written,
        timezone=facts.timezone,
        lead_text=lead.text,
        lead_names=(lead.first_name,) if lead.first_name else (),
        already_booked=already_booked,
        phone_on_file=facts.phone_on_file,
        facts=tuple(filter(None, (business.company, business.sender_name, business.offer, *business.answers.values()))),
        links=tuple(filter(None, (business.booking_link, business.website))),
        phones=phones,
        slots=tuple(slot.start for slot in facts.slots),
        canary=load_prompt("draft").canary,
        other_workspaces=other_workspaces,
        earlier=tuple(said.text for said in lead.history if said.direction == "outbound"),
    )
