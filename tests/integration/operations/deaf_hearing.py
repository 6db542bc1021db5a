"""Rules that hear nobody who asks us to stop: in a module of its own, for readers in other processes must find it."""

from msgspec.structs import replace

from streams.ai.rules.reply import Reply
from streams.jobs.steps.hearing import Heard, hear


def hear_no_opt_out(own: Reply, whole: Reply) -> Heard:
    """As the product hears, but for what ends a contact."""
    heard = hear(own, whole)
    return replace(heard, hit=None) if heard.hit is not None and heard.hit.label == "Blacklist" else heard
