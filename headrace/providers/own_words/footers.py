"""Takes what nobody wrote by hand from the author's lines: banners, signatures, `Sent from my …`, disclaimers."""

import re
from collections.abc import Sequence

from headrace.providers.own_words.languages import (
    BANNERS,
    CLOSINGS,
    CONFIDENTIAL,
    DISCLAIMERS,
    FOOTERS,
)
from headrace.providers.own_words.lines import LONGEST_MARK, Line, Mark
from headrace.providers.own_words.wrappers import LONGEST_WRAPPER, is_wrapper

_SIGNATURE_MARK = re.compile(r"-- *|\u2014 *")
_NO_LETTERS = re.compile(r"[^\w\[【]{0,6}")
_UNSUBSCRIBE = re.compile(
    r"unsubscribe|abmelden|abbestellen|désabonner|désinscrire|darse de baja|opt.?out|disiscriv|uitschrij"
)
_ADDRESS_OF_PAGE = re.compile(r"\bhttps?://\S{1,300}")
_LINKED = frozenset(
    {"click", "here", "klicken", "hier", "cliquez", "ici", "aquí", "clique", "aqui", "clicca", "qui", "link"}
)
_CONTACT = re.compile(r"\d[\d ()./-]{6,24}\d|www\.|https?://|\S@\w|\s\|\s|linkedin\.com", re.IGNORECASE)
_PHONE = re.compile(r"\d[\d ()./-]{6,24}\d")
_PAGE = re.compile(r"www\.|https?://|\S@\w|linkedin\.com", re.IGNORECASE)
_LONGEST_SIGNATURE = 20
_SENTENCE_WORDS = 4
_LONGEST_NAME = 40
_SHORTEST_NOTICE = 50
_NOTICE_LINES = 3
_BANNER_LINES = 4


def without_footers(segments: Sequence[list[Line]]) -> list[Line]:
    """The author's lines of all segments; a signature ends its own segment only."""
    kept: list[Line] = []
    for place, segment in enumerate(segments):
        lines = _without_banner(segment) if place == 0 else segment
        lines = [line for line in _without_signature_marks(lines) if not _is_footer_line(line)]
        kept += _without_contact_block(_before_the_end(lines, has_words=bool(kept)), has_words=bool(kept))
    return kept


def _without_banner(lines: list[Line]) -> list[Line]:
    """Warnings that gateways put above the mail, each up to its blank line."""
    position = 0
    while True:
        start = next((at for at in range(position, len(lines)) if lines[at].seen), None)
        if start is None or not _is_banner(lines[start]):
            return lines[position:]
        end = start + 1
        while end < min(start + _BANNER_LINES, len(lines)) and lines[end].seen:
            end += 1
        position = end


def _is_banner(line: Line) -> bool:
    return _core(line).startswith(BANNERS)


def _core(line: Line) -> str:
    """From its first letter on."""
    start = _NO_LETTERS.match(line.seen)
    return line.seen[start.end() if start else 0 :]


def _without_signature_marks(lines: list[Line]) -> list[Line]:
    """Without what HTML marks as a signature, unless somebody wrote sentences into it."""
    marked = [line for line in lines if Mark.SIGNATURE in line.mark and not _is_footer_line(line)]
    if any(_is_sentence(line) and not _is_contact(line) for line in marked[: _notice_start(marked)]):
        return lines
    return [line for line in lines if Mark.SIGNATURE not in line.mark]


def _before_the_end(lines: list[Line], *, has_words: bool) -> list[Line]:
    """The lines before a signature's mark or a notice of confidentiality, if there are any."""
    signature = next(
        (at for at, line in enumerate(lines) if _SIGNATURE_MARK.fullmatch(line.text.strip(" \t"))), len(lines)
    )
    for end in sorted((signature, _notice_start(lines))):
        if end < len(lines) and (has_words or any(line.seen for line in lines[:end])):
            return lines[:end]
    return lines


def _notice_start(lines: Sequence[Line]) -> int:
    return next((at for at, line in enumerate(lines) if _is_notice(line, lines, at)), len(lines))


def _is_notice(line: Line, lines: Sequence[Line], position: int) -> bool:
    if len(line.seen) <= 10:
        return False
    core = _core(line)
    if core.startswith(DISCLAIMERS):
        return True
    for starts, words in CONFIDENTIAL:
        if core.startswith(starts):
            text = " ".join(following.seen for following in lines[position : position + _NOTICE_LINES])
            return len(text) >= _SHORTEST_NOTICE and any(word in text[:LONGEST_MARK] for word in words)
    return False


def _is_footer_line(line: Line) -> bool:
    if len(line.text) > LONGEST_MARK:
        return False
    return is_wrapper(line) or line.seen.startswith(FOOTERS) or _is_unsubscribe_link(line.seen)


def _is_unsubscribe_link(text: str) -> bool:
    """`Click here to unsubscribe: https://…`, which no person writes; `unsubscribe me from https://…` is a wish."""
    if "://" not in text or not _UNSUBSCRIBE.search(text):
        return False
    words = re.findall(r"[^\W\d_]+", _ADDRESS_OF_PAGE.sub(" ", text))
    return len(words) <= 2 or bool(_LINKED.intersection(words))


def _without_contact_block(lines: list[Line], *, has_words: bool) -> list[Line]:
    """Cuts titles, addresses and numbers after `Best regards, <name>`; the closing and the name stay."""
    start = max(-1, len(lines) - 2 * _LONGEST_SIGNATURE)
    for position in range(len(lines) - 1, start, -1):
        if len(lines[position].text) > LONGEST_WRAPPER or not _is_closing(lines[position]):
            continue
        block = [line for line in lines[position + 1 :] if line.seen]
        if not any(map(_is_contact, block)) or len(block) > _LONGEST_SIGNATURE or any(map(_is_sentence, block)):
            return lines
        name = [] if _is_contact(block[0]) else block[:1]
        if has_words or any(line.seen for line in lines[:position]):
            return [*lines[: position + 1], *name]
        return lines
    return _without_card(lines, has_words=has_words)


def _is_closing(line: Line) -> bool:
    return line.seen.strip(" ,.!-*~;:\u3002\u3001\uff01") in CLOSINGS


def _without_card(lines: list[Line], *, has_words: bool) -> list[Line]:
    """Cuts a last paragraph of a name, a number and a page: somebody's card, without any closing above it."""
    end = len(lines)
    while end and not lines[end - 1].seen:
        end -= 1
    start = end
    while start and lines[start - 1].seen and end - start <= _LONGEST_SIGNATURE:
        start -= 1
    block = lines[start:end]
    if len(block) < 3 or not (has_words or any(line.seen for line in lines[:start])):
        return lines
    is_card = _is_short_name(block[0]) and not any(_is_sentence(line) for line in block)
    details = block[1:]
    has_both = any(_PHONE.search(line.seen) for line in details) and any(_PAGE.search(line.seen) for line in details)
    return [*lines[:start], block[0]] if is_card and has_both else lines


def _is_short_name(line: Line) -> bool:
    words = line.text.split()
    is_plain = not _is_contact(line) and not any(char in ":?!" for char in line.seen)
    return (
        len(line.seen) <= _LONGEST_NAME and 1 < len(words) <= 4 and is_plain and not any(w[0].islower() for w in words)
    )


def _is_contact(line: Line) -> bool:
    return bool(_CONTACT.search(line.seen[:LONGEST_MARK]))


def _is_sentence(line: Line) -> bool:
    text = line.text.rstrip()
    is_unspaced = text.endswith(("\u3002", "\uff1f", "\uff01"))
    return is_unspaced or (
        len(text.split()) >= _SENTENCE_WORDS and text.endswith((".", "?", "!")) and " | " not in text
    )
