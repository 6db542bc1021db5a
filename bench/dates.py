"""`python -m bench.dates`: how many labelled sentences with dates are read rightly, in each language.

Fails below the bars. `--wrong` shows what went wrong, `--unseen` measures the sentences that were kept aside while the
grammar was made, and `--every-day` says every kind of phrase in each language on every day of two years.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rich.progress import track

from bench.date_phrases import KINDS, Said, said
from streams.ai.answers import FollowUpTiming
from streams.ai.dates.languages import languages
from streams.ai.follow_up_timing import explained_timing

_FOLDER = Path(__file__).parents[1] / "training" / "dates"
_WRITTEN = {"A": date(2026, 11, 30), "B": date(2026, 6, 10)}
_ZONE = ZoneInfo("America/New_York")
_FIRST, _DAYS = date(2026, 1, 1), 730
#: Of the labelled sentences: read rightly, and of the days that were given, given wrongly.
LEAST_RIGHT, MOST_WRONG_DAYS = 0.95, 0.02


class Sentence(NamedTuple):
    """A labelled sentence."""

    language: str
    written: datetime
    text: str
    expected: str

    def is_right(self, found: FollowUpTiming) -> bool:
        """Whether that is what was meant."""
        if self.expected == "-":
            return found.day is None
        if found.day is None:
            return False
        first, _, last = self.expected.partition("..")
        day, _, clock = first.partition("T")
        if clock and found.clock != clock:
            return False
        return date.fromisoformat(day) <= found.day <= date.fromisoformat(last or day)


def sentences(name: str) -> Iterator[Sentence]:
    """Those of a file of `training/dates`."""
    for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            language, written, text, expected = line.split("|")
            moment = datetime.combine(_WRITTEN[written], time(10), _ZONE)
            yield Sentence(language, moment, text, expected)


class Outcome(NamedTuple):
    """How one file was read."""

    right: Counter[str]
    asked: Counter[str]
    #: Of all days given, those that were not meant: a miss is asked about, a wrong day is not.
    wrong_days: list[tuple[Sentence, str]]
    missed: list[tuple[Sentence, str]]

    @property
    def share(self) -> float:
        """Read rightly, of all."""
        return sum(self.right.values()) / sum(self.asked.values())

    @property
    def wrong_share(self) -> float:
        """Wrong days of all."""
        return len(self.wrong_days) / sum(self.asked.values())


def measure(data: Sequence[Sentence]) -> Outcome:
    """Reads each."""
    outcome = Outcome(Counter(), Counter(), [], [])
    for one in data:
        read = explained_timing(one.text, one.written, is_deferral=True)
        outcome.asked[one.language] += 1
        if one.is_right(read.timing):
            outcome.right[one.language] += 1
        elif read.timing.day is None:
            outcome.missed.append((one, read.why))
        else:
            outcome.wrong_days.append((one, f"{read.timing.day} {read.timing.clock or ''} {read.why}"))
    return outcome


def _print(name: str, outcome: Outcome, *, with_wrong: bool) -> None:
    by_language = defaultdict(str)
    for language, count in sorted(outcome.asked.items()):
        by_language[language] = f"{language} {outcome.right[language]}/{count}"
    print(
        f"dates, {name}: {sum(outcome.asked.values())} sentences, right {outcome.share:.3f}, "
        f"wrong days {outcome.wrong_share:.3f}; {', '.join(by_language.values())}"
    )
    if with_wrong:
        for kind, found in (("WRONG", outcome.wrong_days), ("missed", outcome.missed)):
            for sentence, why in found:
                print(f"  {kind}: {sentence.language} {sentence.text!r} expected {sentence.expected}: {why}")


def _every_day() -> int:
    """1 when one phrase is read otherwise than said."""
    count, wrong = 0, 0
    for number in track(range(_DAYS), "days"):
        written = _FIRST + timedelta(days=number)
        for language, kind in product(languages(), KINDS):
            for one in said(language, kind, written, Random(f"{number} {language.code} {kind}")):  # noqa: S311
                count += 1
                if not _is_read_back(one, written):
                    wrong += 1
                    print(f"  {written} {one}")
    print(f"dates, said and read back: {count} phrases on {_DAYS} days, {wrong} wrong")
    return int(wrong > 0)


def _is_read_back(one: Said, written: date) -> bool:
    found = explained_timing(one.text, datetime.combine(written, time(10), _ZONE), is_deferral=True).timing
    return found.day is not None and one.first <= found.day <= one.last and one.clock in (None, found.clock)


def main() -> None:
    """Prints the figures; exits with 1 below the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unseen", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--every-day", action="store_true")
    options = parser.parse_args()
    if options.every_day:
        sys.exit(_every_day())
    name = "unseen" if options.unseen else "labelled"
    outcome = measure(list(sentences(f"{name}.txt")))
    _print(name, outcome, with_wrong=options.wrong)
    if outcome.share < LEAST_RIGHT or outcome.wrong_share > MOST_WRONG_DAYS:
        print(f"dates: below the bars: right {LEAST_RIGHT}, wrong days {MOST_WRONG_DAYS}")
        sys.exit(1)


if __name__ == "__main__":
    main()
