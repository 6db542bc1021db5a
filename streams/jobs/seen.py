"""What a step saw of its lead, in sixteen letters: who decides again tells by them which moment of the log it was.

Facts and labels come from two topics, each folded at a pace of its own, and so have a sign of their own.
"""

import hashlib
from typing import NamedTuple

import msgspec

from streams.jobs.step import JobInput

_LETTERS = 8


class Signs(NamedTuple):
    """Equal for equal knowledge of the lead."""

    #: Of its messages and state, and of what the provider said. What messages say is left out: it may be read anew.
    facts: str
    #: Of its newest label.
    label: str


def signs(job: JobInput) -> Signs:
    """Of what the job knows."""
    messages = [message.message_id for message in job.conversation]
    return Signs(
        _sign((job.lead, messages, job.suppressed_reason, job.signals)),
        _sign((job.label, job.label_at)),
    )


def seen(job: JobInput) -> str:
    """The signs as a finished step carries them."""
    return "".join(signs(job))


def signs_of(saw: str) -> Signs:
    """The inverse."""
    return Signs(saw[:_LETTERS], saw[_LETTERS:])


def _sign(known: object) -> str:
    return hashlib.sha256(msgspec.json.encode(known)).hexdigest()[:_LETTERS]
