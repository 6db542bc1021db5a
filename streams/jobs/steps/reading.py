"""What steps read out of a job's input: the words before this one, the lead behind them, what the provider proved."""

from collections.abc import Iterator

from headrace.events.messages import LeadSignalled, Message
from streams.ai.questions import Lead, Said
from streams.ai.rules.reply import Reply, Turn
from streams.jobs.step import JobInput

#: The newest earlier messages that are looked at.
HISTORY = 40


def order(message: Message) -> tuple[object, object, str]:
    """The place of a message in its conversation, however it arrived."""
    return message.sent_at, message.received_at, message.message_id


def earlier(job: JobInput) -> list[Message]:
    """The newest messages before the job's own, each once, oldest first: what came later can't have been meant."""
    own = order(job.message)
    known = {message.message_id: message for message in job.conversation if order(message) < own}
    return sorted(known.values(), key=order)[-HISTORY:]


def later(job: JobInput) -> Iterator[Message]:
    """The messages after the job's own."""
    own = order(job.message)
    return (message for message in job.conversation if order(message) > own)


def lead_of(job: JobInput) -> Lead:
    """The lead and its words, as a question takes them."""
    person = job.lead.person if job.lead is not None else None
    return Lead(
        text=job.message.text,
        subject=job.message.subject,
        history=tuple(Said(message.direction, message.text) for message in earlier(job)),
        first_name=first_name(job),
        company=person.company if person is not None else None,
    )


def first_name(job: JobInput) -> str | None:
    """Of whoever wrote the message: a colleague who answers for the lead isn't greeted by the lead's name."""
    sender, lead = job.message.from_address, job.lead
    if lead is None:
        return None
    if sender is not None and lead.email is not None and sender.address != lead.email:
        return next(iter((sender.name or "").split()), None)
    return lead.person.first_name


def names_of(job: JobInput) -> tuple[str, ...]:
    """Names the writer of the message may be greeted by."""
    person = job.lead.person if job.lead is not None else None
    known = (first_name(job), person.last_name if person is not None else None)
    return tuple(name for name in known if name)


def reply_of(job: JobInput) -> Reply:
    """The whole message, as the deterministic rules take it."""
    message = job.message
    return Reply(
        channel=message.channel,
        subject=message.subject or "",
        text=message.body or message.text,
        history=tuple(Turn(one.direction, one.text) for one in earlier(job)),
    )


def own_reply_of(job: JobInput) -> Reply:
    """What the provider's adapter took for its author's words, as the deterministic rules take it."""
    message = job.message
    return Reply(channel=message.channel, subject=message.subject or "", text=message.text)


def signal(job: JobInput, kind: str) -> LeadSignalled | None:
    """The newest thing of a kind that the provider said about the lead."""
    found = [one for one in job.signals if one.signal == kind]
    return max(found, key=lambda one: one.occurred_at, default=None)


def is_booked_before(job: JobInput) -> bool:
    """The provider proved a meeting before the lead wrote this, and not with this message."""
    return any(
        one.signal == "meeting_booked"
        and one.occurred_at < job.message.sent_at
        and one.message_id != job.message.message_id
        for one in job.signals
    )
