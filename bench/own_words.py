"""`python -m bench.own_words [PYTHON]`: how often the author's words are found, by Headrace and by kept libraries.

PYTHON is an interpreter that has `mail-parser-reply` and `email-reply-parser`; without it, only Headrace is measured.
Exact: the answer is the author's words, white space aside. Lost entirely: none of their lines is left.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from bench.mails.building import Mail, mails
from headrace.providers.html_text import html_to_text
from headrace.providers.reply_text import reply_text

#: Rules were written against the first, and mended by kind after each of the others was read for the first time.
PARTS = ("fitted", "mended", "mended_again", "mended_last")
#: Share of mails whose answer may be other than the author's words alone. None may lose them entirely.
ALLOWED_TO_DIFFER = 0.03


class Figures(msgspec.Struct, frozen=True):
    """Of one reader over one part."""

    reader: str
    mails: int
    exact: int
    kept: int
    lost: int
    seconds: float


def is_exact(answer: str, own: str) -> bool:
    """The author's words and nothing else, white space aside."""
    return answer.split() == own.split()


def is_kept(answer: str, own: str) -> bool:
    """Every word of the author's is there, in order and without a gap in a line."""
    text = " ".join(answer.split())
    return all(" ".join(line.split()) in text for line in own.split("\n"))


def is_lost(answer: str, own: str) -> bool:
    """No line of the author's is left."""
    text = " ".join(answer.split())
    return not any(" ".join(line.split()) in text for line in own.split("\n") if line.strip())


def figures(reader: str, answers: list[str], asked: list[Mail], seconds: float) -> Figures:
    """Counts over all mails."""
    pairs = [(answer, mail.own) for answer, mail in zip(answers, asked, strict=True)]
    exact, kept, lost = (sum(judge(*pair) for pair in pairs) for judge in (is_exact, is_kept, is_lost))
    return Figures(reader, len(asked), exact, kept, lost, seconds)


def headrace(asked: list[Mail]) -> Figures:
    """Headrace's own reading."""
    began = time.process_time()
    answers = [reply_text(mail.plain, mail.html) for mail in asked]
    return figures("Headrace", answers, asked, time.process_time() - began)


def libraries(asked: list[Mail], python: str) -> list[Figures]:
    """The libraries, in their own interpreter. Where a mail has no plain part they get what its HTML shows."""
    texts = [mail.plain or html_to_text(mail.html) for mail in asked]
    script = Path(__file__).parent / "mails" / "peers.py"
    done = subprocess.run([python, str(script)], input=json.dumps(texts), capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return [figures(name, one["answers"], asked, one["seconds"]) for name, one in told.items()]


def main() -> None:
    """Prints a table for each part; the exit status is 1 where Headrace is below the bars."""
    is_below = False
    for part in PARTS:
        asked = mails(part)
        ours = headrace(asked)
        is_below |= ours.lost > 0 or ours.exact < (1 - ALLOWED_TO_DIFFER) * ours.mails
        found = [ours, *(libraries(asked, sys.argv[1]) if len(sys.argv) > 1 else ())]
        print(f"{part}: {len(asked)} mails\n{'':34}{'exact':>8}{'kept':>8}{'lost entirely':>15}{'ms a mail':>11}")
        for one in found:
            exact, kept = (f"{count / one.mails:.1%}" for count in (one.exact, one.kept))
            print(f"{one.reader:34}{exact:>8}{kept:>8}{one.lost:>15}{1000 * one.seconds / one.mails:>11.2f}")
    sys.exit(int(is_below))


if __name__ == "__main__":
    main()
