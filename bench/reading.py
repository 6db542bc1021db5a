"""`python -m bench.reading [COUNT]`: the CPU time that reading one message of 16,000 characters takes at worst.

Tries the COUNT costliest attacks on each pattern (1 unless said otherwise), which takes minutes.
"""

import heapq
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from rich.progress import track

from bench.attacks import attacks
from bench.patterns import ReadingPattern, reading_patterns
from headrace.providers.bounces import failed_recipient, is_final
from headrace.providers.reply_text import reply_text
from streams.ai.draft_checks import DraftContext, check_draft
from streams.ai.language import language_of
from streams.ai.local.classifier import LocalClassifier
from streams.ai.questions import BookingFacts, Lead, Slot
from streams.ai.rules.reply import Channel, Reply, Turn
from streams.ai.untrusted import screened_lead
from streams.jobs.conversation import BODY_LIMIT
from streams.jobs.steps.booking_decision import plain_booking
from streams.jobs.steps.hearing import hear
from streams.jobs.steps.lead_zone import zone_in
from streams.jobs.steps.plain_timing import plain_timing

#: Characters of a message that jobs read.
LONGEST = 16_000
_WRITTEN = datetime(2026, 3, 2, 15, tzinfo=UTC)
_PROBE = 1_000
#: How many of the dearest texts are measured again.
_AGAIN = 40
_CHANNELS: tuple[Channel, ...] = ("sms", "email")
#: Texts that no pattern's tree tells of: characters that stand for many, accents without end, days beside hours.
ODD_UNITS = (
    "\ufdfa",
    "\u0301\u0323",
    "am 1 2 ",
    "-",
    "<",
    "<a ",
    "&",
    "&#9999999;",
    "(555) 123-4567 ",
    ";",
    "9 ",
    "to:\n",
)


def beginning_texts() -> Iterator[tuple[str, str]]:
    """Texts made against `Phrases`: the beginnings of all patterns, and those which most patterns share."""
    counts = Counter(letters for one in reading_patterns() if one.phrases for letters in one.phrases.beginnings)
    by_use = [letters for letters, _ in counts.most_common()]
    yield "every beginning", _repeated(" ".join(sorted(by_use)) + " ")
    yield "every beginning, joined", _repeated("".join(sorted(by_use)))
    for number in (1, 2, 3, 10, 100):
        yield f"the {number} commonest beginnings", _repeated("".join(f"{letters} " for letters in by_use[:number]))
    for letters in by_use[:20]:
        yield f"{letters!r} again and again", _repeated(f"{letters} ")


def _repeated(unit: str) -> str:
    return (unit * LONGEST)[:LONGEST]


class Reading(NamedTuple):
    """One of the things that are read out of a message."""

    name: str
    run: Callable[[], object]


def readings(text: str, channel: Channel, classifier: LocalClassifier) -> Iterator[Reading]:
    """Everything that is read out of one message, each once."""
    reply = Reply(channel, text[:400], text, (Turn("outbound", text),))
    whole = Reply(channel, text[:400], text[:BODY_LIMIT])
    facts = BookingFacts(
        channel=channel, label="Meeting Requested", sent_at=_WRITTEN, timezone="UTC", slots=(Slot(_WRITTEN),)
    )
    yield Reading("author's words of a body", lambda: reply_text(text))
    yield Reading("bounce report", lambda: (failed_recipient(text), is_final(text)))
    yield Reading("rules", lambda: hear(reply, whole))
    yield Reading("screening", lambda: screened_lead(Lead(text=text, subject=text)))
    yield Reading("classifier", lambda: classifier.probabilities(reply, text))
    yield Reading("timing", lambda: plain_timing(reply, _WRITTEN))
    yield Reading("booking", lambda: plain_booking(reply, facts))
    yield Reading("zone", lambda: zone_in(text))
    yield Reading("language", lambda: language_of(text))
    yield Reading("draft checks", lambda: check_draft(text[:5_000], _context(text)))


def _context(text: str) -> DraftContext:
    return DraftContext(
        channel="email",
        label="Interested",
        written=_WRITTEN,
        timezone="UTC",
        lead_text=text,
        slots=(_WRITTEN,),
        facts=("We charge 10 %.",),
        earlier=(text,),
    )


def costliest(pattern: ReadingPattern, count: int) -> list[Callable[[int], str]]:
    """The attacks on a pattern that cost most while they are short, to be made in any length."""
    costs = (
        (cpu_of(partial(pattern.apply, text)), place) for place, text in enumerate(attacks(pattern.pattern, _PROBE))
    )
    places = [place for _, place in heapq.nlargest(count, costs)]
    return [partial(_attack, pattern, place) for place in places]


def _attack(pattern: ReadingPattern, place: int, length: int) -> str:
    return next(text for number, text in enumerate(attacks(pattern.pattern, length)) if number == place)


def costs_of(text: str, channel: Channel, classifier: LocalClassifier) -> dict[str, float]:
    """Seconds of the processor by reading, each of a text of its own: one's memory must not make the next cheaper."""
    count = sum(1 for _ in readings(text, channel, classifier))
    each = (list(readings(text[number:], channel, classifier))[number] for number in range(count))
    return {one.name: cpu_of(one.run) for one in each}


def least_costs(text: str, channel: Channel, classifier: LocalClassifier) -> tuple[float, dict[str, float]]:
    """The sum and its parts, the least of three: what else the machine does makes a measurement longer."""
    tries = [costs_of("x" * number + text, channel, classifier) for number in range(3)]
    return min(((sum(costs.values()), costs) for costs in tries), key=lambda one: one[0])


def cpu_of(run: Callable[[], object]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main() -> None:
    """Prints the ten costliest texts with what they cost."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    classifier = LocalClassifier("lexical")
    texts = [*((repr(unit), _repeated(unit)) for unit in ODD_UNITS), *beginning_texts()]
    for pattern in track(list(reading_patterns()), "attacks on each pattern"):
        texts += [(pattern.name, made(LONGEST)) for made in costliest(pattern, count)]
    found = []
    for name, text in track(texts, "reading them"):
        for channel in _CHANNELS:
            costs = costs_of(text, channel, classifier)
            found.append((sum(costs.values()), channel, name, text))
    dearest = heapq.nlargest(_AGAIN, found, key=lambda one: one[0])
    least = [(*least_costs(text, channel, classifier), channel, name) for _, channel, name, text in dearest]
    for seconds, costs, channel, name in heapq.nlargest(10, least, key=lambda one: one[0]):
        parts = ", ".join(f"{part} {1000 * cost:.0f}" for part, cost in sorted(costs.items(), key=lambda c: -c[1])[:4])
        print(f"{1000 * seconds:.0f} ms  {channel}  {name}: {parts}")


if __name__ == "__main__":
    main()
