"""What a reply can wait for a person for: every reason once, with who tells it and what the person is to do.

A step of a job tells it where the job ends well and nobody has drafted anything (`PersonNeeded`). Where a job doesn't
end, or not well, its own events tell it, and `analytics.needs_person` puts both together.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

#: Told by the event `person.needed`.
StepReason = Literal[
    "other_language",
    "no_phone_on_file",
    "facts_missing",
    "no_reply_written",
    "draft_rejected",
    "already_booked",
    "booking_proposed",
    "objection",
    "ambiguous",
    "label_unsure",
    "injection_suspected",
    "unreadable",
    "answer_invalid",
    "answer_refused",
    "not_drafted",
]
#: Told by how the job stands.
JobReason = Literal["job_died", "job_cancelled", "job_paused", "over_budget", "ai_unavailable"]
#: Why a reply without a draft needs nobody: nobody may answer it, or there is nothing to answer.
NothingReason = Literal[
    "suppressed",
    "opt_out",
    "blacklist",
    "automated",
    "newer_message",
    "answered_meanwhile",
    "already_booked",
    "no_reply_needed",
    "acknowledgement",
    "label_gets_no_draft",
]
Reason = StepReason | JobReason


class Need(NamedTuple):
    """A reason, and what the person is to do about it."""

    reason: Reason
    todo: str


#: In the order in which docs/operations.md lists them.
NEEDS = (
    Need("other_language", "Answer it yourself: it is not surely in English, and nobody drafted in its language."),
    Need("no_phone_on_file", "Find a number and call: the lead asks for a call, and none is known."),
    Need("facts_missing", "Answer it, and add the missing fact to the workspace file: no draft had all it needs."),
    Need("no_reply_written", "Read it: its label calls for a reply, and the model wrote none."),
    Need("draft_rejected", "Answer it yourself: no draft passed the checks."),
    Need("already_booked", "Read it: a meeting is booked, and the lead writes again, maybe to move it."),
    Need("booking_proposed", "Book the proposed time and confirm it: no draft is written beside a booking."),
    Need("objection", "Answer the objection: none is answered by a draft."),
    Need("ambiguous", "Read it and answer if it wants one: its label calls for no draft, and it is no mere thanks."),
    Need("label_unsure", "Read it and label it: the classifier was too unsure to go by."),
    Need("injection_suspected", "Read it with care: its text tries to steer a model."),
    Need("unreadable", "Read it: it took longer to read than any message may."),
    Need("answer_invalid", "Answer it; the model's answer did not fit. If it happens often, choose a stronger model."),
    Need("answer_refused", "Read it: the model or its provider's filter declined to answer."),
    Need("not_drafted", "Answer it: an earlier version left it without a draft and did not say why."),
    Need("job_died", "Answer it, or mend the cause and run `headrace jobs retry` with the job's id."),
    Need("job_cancelled", "Answer it if it wants one: its job was cancelled by a person before it was done."),
    Need("job_paused", "Answer it, or let the job go on with `headrace jobs resume` and its id."),
    Need("over_budget", "Answer it, raise the workspace's AI budget, or let it wait for the next day."),
    Need("ai_unavailable", "Answer it, or mend the AI provider: the job goes on by itself once it answers."),
)
#: Reason → what to do.
TODO: Mapping[str, str] = {need.reason: need.todo for need in NEEDS}
