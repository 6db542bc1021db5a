"""Recognises the line that says who wrote what is quoted below it: `On …, … wrote:` in all its orders and wrappings."""

import re
from collections.abc import Sequence

from headrace.providers.own_words.languages import BY, OPENING_PHRASES, OPENINGS, PRONOUNS, QUOTING, VERBS, is_spaced
from headrace.providers.own_words.lines import LONGEST_MARK, Line, Mark

_MOST_LINES = 8
_MOST_NAME_WORDS = 8
_MOST_OTHER_WORDS = 6
_MOST_BETWEEN = 3
_MOST_ARROWED = 3
_MOST_SMALL_WORDS = 4
_LONGEST_ABBREVIATION = 4
#: A mail program breaks no line that is shorter, unless a single word did not fit.
_WRAPPED_FROM = 60
_AROUND = " >*_|\t-"

ADDRESS = re.compile(r"\S@\w")
_BRACKETED = re.compile(r"[<(\[][^<>()\[\]\s@]{0,80}\s?[^<>()\[\]\s@]{1,80}@[^<>()\[\]\s]{1,120}\s?[>)\]]")
CLOCK = re.compile(r"\d[:.h]\d\d|\d ?[時时시点點]")
DATE = re.compile(r"(?<!\d)(?:20|25)\d\d(?!\d)|\d[./-] ?\d{1,2}[./-] ?\d\d")
_FULL_DATE_FIRST = re.compile(r"\d{1,4}[./-]\s?\d{1,2}[./-]|\d{4} ?[年년]")
_SAYS_WHEN_OR_WHO = re.compile(r"[\d@]")
_VERB = re.compile(
    r"(?<!\w)(?:" + "|".join(re.escape(verb) for verb in VERBS if is_spaced(verb)) + r")(?=[\s:(,]|-{2}|$)"
    "|" + "|".join(re.escape(verb) for verb in VERBS if not is_spaced(verb))
)
_FIRST_WORD = re.compile(r"[^\s\d.,:;()\"'/]{1,30}")


def attribution_length(lines: Sequence[Line], position: int) -> int:
    """How many lines from here say who wrote what follows; 0 when none does."""
    if len(lines[position].text) > LONGEST_MARK or not lines[position].seen.strip(_AROUND):
        return 0
    if arrowed := _arrowed_length(lines, position):
        return arrowed
    opens = _opens(lines[position].seen)
    if not opens and not _may_begin_with_a_name(lines, position):
        return 0
    text = whole = ""
    for length, line in enumerate(lines[position : position + _MOST_LINES], start=1):
        if not line.seen or len(text) + len(line.seen) > LONGEST_MARK:
            return 0
        text = f"{text} {line.seen}".strip()
        whole = f"{whole} {line.text.strip()}".strip()
        if not ends_like_one(text) or not _SAYS_WHEN_OR_WHO.search(text):
            continue
        is_above = quote_follows(lines, position + length)
        if is_attribution(text, whole, opens=opens, above_quote=is_above):
            is_own = _begins_later(lines, position, length) or _quotes_oneself(text, lines, position + length)
            return 0 if is_own else length
    return 0


def _arrowed_length(lines: Sequence[Line], position: int) -> int:
    """GroupWise: `>>> Jo Smith <jo@sender.example> 3/2/2026 9:00 AM >>>`."""
    if not is_arrowed(lines[position]):
        return 0
    for length in range(1, _MOST_ARROWED + 1):
        text = " ".join(line.text.strip() for line in lines[position : position + length])
        if text.endswith(" >>>"):
            return length if CLOCK.search(text[:LONGEST_MARK]) else 0
    return 0


def is_arrowed(line: Line) -> bool:
    """True for what begins as GroupWise's attributions do; as quotation marks these would be `> > >`."""
    return line.text.lstrip().startswith(">>> ")


def ends_like_one(text: str) -> bool:
    """A colon at its end or behind the verb, or dashes."""
    return text.rstrip(_AROUND).endswith(":") or text.endswith("--") or ":" in text


def is_attribution(text: str, whole: str, *, opens: bool, above_quote: bool = False) -> bool:
    """`text` is folded, `whole` is as written. Where there is no verb of writing, its form must be strict."""
    core = text.strip(_AROUND)
    is_dated = bool(DATE.search(core) and (above_quote or CLOCK.search(core)))
    has_address = bool(ADDRESS.search(core))
    is_dashed = text.startswith("--") and text.endswith("--")
    if core.startswith(QUOTING) and core.endswith(":") and has_address:
        return True
    verb = _VERB.search(core)
    if verb is None:
        return core.endswith(":") and is_dated and has_address and _is_bare(core, whole, opens=opens)
    rest = core[verb.end() :].lstrip(" *")
    if not (core.endswith(":") or is_dashed or (rest.startswith(":") and opens and has_address and is_dated)):
        return False
    if opens or is_dashed:
        return has_address or is_dated or is_dashed
    return (has_address or is_dated) and _has_name_first(core, whole, verb.start())


def _is_bare(core: str, whole: str, *, opens: bool) -> bool:
    """Date, time, name and address, and little else."""
    by = core.rstrip(":").split()[-2:]
    if not _BRACKETED.search(core):
        return opens and len(by) == 2 and by[0] in BY and "@" in by[1]
    if not opens and not _has_name_first(core, whole, len(core)):
        return False
    words = (word.strip(".,:;()<>\"'[]") for word in core.split())
    others = [word for word in words if word and word.isalpha() and word not in OPENINGS and word not in BY]
    return len(others) <= _MOST_OTHER_WORDS


def _has_name_first(core: str, whole: str, verb: int) -> bool:
    address = core.find("@")
    if 0 <= address < verb or verb == len(core):
        bracket = max(core.rfind("<", 0, address), core.rfind("(", 0, address), core.rfind("[", 0, address))
        end = bracket if bracket >= 0 else core.rfind(" ", 0, address) + 1
    else:
        end = verb
    name = whole.lstrip(_AROUND)[:end]
    if end <= 1 or _is_name(name):
        return True
    # A name in small letters, where its address and the verb stand side by side.
    is_close = 0 <= address < verb < len(core) and len(core[address:verb].split()) <= _MOST_BETWEEN
    return is_close and _is_name(name.title()) and len(name.split()) <= _MOST_SMALL_WORDS


def _is_name(words: str) -> bool:
    parts = [part for part in words.strip(" \"'\u201c\u201d,<([").split() if part]
    if not 0 < len(parts) <= _MOST_NAME_WORDS or any(map(_ends_a_sentence, parts)):
        return False
    small = sum(part[0].islower() for part in parts)
    return not parts[0][0].islower() and 2 * small <= len(parts)


def _ends_a_sentence(word: str) -> bool:
    """Abbreviations such as `Dr.` and `Inc.` end none."""
    return word[-1] in "?!;:\u3002\uff01\uff1f" or (word.endswith(".") and len(word) > _LONGEST_ABBREVIATION)


def _opens(text: str) -> bool:
    core = text.lstrip(_AROUND + "\"'([")
    if core[:1].isdigit() or core.startswith((*OPENING_PHRASES, *QUOTING)):
        return True
    first = _FIRST_WORD.match(core)
    return first is not None and first.group() in OPENINGS


def _may_begin_with_a_name(lines: Sequence[Line], position: int) -> bool:
    line = lines[position]
    if ADDRESS.search(line.seen) or "<" in line.seen or _VERB.search(line.seen):
        return True
    begins_paragraph = position == 0 or not lines[position - 1].text.strip()
    return begins_paragraph and _is_name(line.text.strip(_AROUND))


def _begins_later(lines: Sequence[Line], position: int, length: int) -> bool:
    """True when what stands on the first line is the author's, and one of the next lines begins it."""
    for later in range(position + 1, position + length):
        if _is_wrapped(lines[later - 1], lines[later]):
            continue
        text = lines[later].seen
        opens = _opens_fully(text)
        names = not text.startswith(("<", "(")) and ("@" in text or _VERB.search(text))
        if not opens and not names:
            continue
        part = lines[later : position + length]
        text = " ".join(line.seen for line in part)
        is_date_above = any(DATE.search(line.seen) for line in lines[position:later])
        whole = " ".join(line.text.strip() for line in part)
        if (DATE.search(text) or not is_date_above) and is_attribution(text, whole, opens=opens):
            return True
    return False


def _opens_fully(text: str) -> bool:
    """Begins with more of a date than a wrapped line would."""
    core = text.lstrip(_AROUND)
    if core[:1].isdigit():
        return bool(_FULL_DATE_FIRST.match(core))
    return _opens(text) and any(char.isdigit() for char in core)


def _is_wrapped(line: Line, following: Line) -> bool:
    words = following.text.split()
    core = line.seen.strip(_AROUND)
    is_full = len(line.text.strip()) + len(words[0] if words else "") + 1 >= _WRAPPED_FROM
    return is_full or core.endswith((",", "<", "(", "،")) or core in OPENINGS or core.split()[-1:] == ["at"]


def _quotes_oneself(text: str, lines: Sequence[Line], after: int) -> bool:
    """`On 2 March at 9:00 you wrote:` above words that nobody marked as quoted: the author's own sentence."""
    verb = _VERB.search(text)
    if verb is None or ADDRESS.search(text):
        return False
    before = text[: verb.start()].split()[-1:]
    behind = text[verb.end() :].split()[:1]
    about = {word.strip(",.:;") for word in (*before, *behind)}
    return bool(about & PRONOUNS) and not quote_follows(lines, after)


def quote_follows(lines: Sequence[Line], position: int) -> bool:
    """True when the next words are quoted ones."""
    following = next((line for line in lines[position : position + 4] if line.text.strip()), None)
    return following is not None and (following.is_quoted or bool(following.mark & (Mark.CITED | Mark.BLOCK_QUOTE)))
