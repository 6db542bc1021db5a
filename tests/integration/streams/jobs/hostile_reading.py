"""Readings that never end, as one with a pattern nobody has mended would: they hold the interpreter."""

import os
import re
import signal
from pathlib import Path

from streams.ai.rules.cleaning import own_words
from streams.ai.rules.reply import Reply
from streams.jobs.steps.hearing import Heard, hear

#: A text of a message that is read for ever.
MARK = "stall the reader"
_HOPELESS = re.compile(r"(?:a*)*b")


def stall(text: str) -> str:
    """Would take longer than there is time."""
    _HOPELESS.fullmatch("a" * 64)
    return text


def end_the_process(text: str) -> str:
    """As the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return text


def end_the_process_once(mark: str) -> str:
    """An accident that does not happen again."""
    if not Path(mark).exists():
        Path(mark).touch()
        end_the_process(mark)
    return mark


def fail(text: str) -> str:
    """A bug."""
    raise KeyError(text)


def process_id() -> int:
    """Of whoever reads."""
    return os.getpid()


def hear_or_stall(own: Reply, whole: Reply) -> Heard:
    """As the product hears, but for marked texts."""
    if MARK in own_words(own).text:
        stall(own.text)
    return hear(own, whole)
