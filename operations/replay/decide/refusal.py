"""Why a window can't be decided again: apart, for every command knows how to tell it."""

from headrace.refusal import Refusal


class DecideRefused(Refusal):
    """The messages can't be decided again; the message says why and what to do."""
