"""The one error of the local stack that people see: it says what is wrong and what to do."""

from headrace.refusal import Refusal

OTHER_WAY = "`docker compose up` is the other way to run Headrace"


class CannotStart(Refusal):
    """The local stack can't start; the message is one sentence for a person, without a traceback."""


def impossible(sentence: str) -> CannotStart:
    """For what this machine lacks: the sentence also names the way that needs less of it."""
    return CannotStart(f"{sentence}; {OTHER_WAY}.")
