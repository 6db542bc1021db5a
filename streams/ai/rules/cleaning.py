"""Reduces a message to what its author wrote now, for rules and models alike."""

import re
import unicodedata

import msgspec

from headrace.providers.html_text import html_to_text, looks_like_html
from headrace.providers.reply_text import reply_text
from streams.ai.rules.injection import without_injection
from streams.ai.rules.normalising import READ_LIMIT, unescaped
from streams.ai.rules.reply import Reply

_SUBJECT_LIMIT = 400
_UNSEEN = frozenset({"Cf", "Cc", "Co", "Cn"})
_KEPT_CONTROLS = frozenset("\n\t")
#: Joins the parts of one emoji; elsewhere it hides text.
_EMOJI_JOINER = "\u200d"
_JOINERS = re.compile(f"{_EMOJI_JOINER}+")
_QUOTED = re.compile(r"[ \t]{0,8}>")
_ATTRIBUTION = re.compile(
    r"\S.{0,400}(?:wrote|schrieb|écrit|escribió|escreveu|scritto|schreef|skrev|napisał\(?a?\)?)\s?:"
)
_HISTORY_MARK = re.compile(
    r"[ \t]{0,8}>|-{3,} ?[A-Za-zÀ-ž]|_{8,}|(?:from|von|de|da|van|od|fra|från) ?: |on .{4,200}wrote:"
    r"|am .{4,200}schrieb"
    r"|le .{4,200}écrit ?:|el .{4,200}escribió:",
    re.IGNORECASE,
)


class Words(msgspec.Struct, frozen=True):
    """The author's words."""

    subject: str
    #: Without quotes, signature, hidden text and sentences addressed to a model.
    text: str
    #: The same with the signature, which may hold a phone number.
    with_signature: str
    #: Text that addressed a model was cut out.
    injection_suspected: bool


def own_words(reply: Reply) -> Words:
    """What rules and models read; linear in the length of the message."""
    subject = _visible(unescaped(reply.subject[:_SUBJECT_LIMIT])).strip()
    # Four times, so that a long quotation above the answer does not hide it.
    everything = _visible(_readable(reply.text[: 4 * READ_LIMIT]))
    own = everything.strip() if reply.channel != "email" else _own_part(everything, reply.text)
    own = own[:READ_LIMIT]
    signature = _signature(everything, own) if reply.channel == "email" else ""
    kept, suspected = without_injection(own)
    hidden = looks_like_html(reply.text) and without_injection(reply.text[:READ_LIMIT])[1]
    return Words(subject, kept, f"{own}\n{signature}".strip(), suspected or hidden)


def _readable(text: str) -> str:
    """Plain text of a body that may be HTML; entities decoded."""
    return html_to_text(text) if looks_like_html(text) else unescaped(text)


def _visible(text: str) -> str:
    """Without zero-width and control characters, which only hide things from a filter."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u00a0", " ")
    hidden = {char for char in set(text) - _KEPT_CONTROLS if unicodedata.category(char) in _UNSEEN}
    shown = text.translate(dict.fromkeys(map(ord, hidden - {_EMOJI_JOINER}))) if hidden else text
    return _JOINERS.sub(_joining, shown)


def _joining(joiners: re.Match[str]) -> str:
    before = joiners.string[joiners.start() - 1] if joiners.start() else " "
    return _EMOJI_JOINER if unicodedata.category(before)[0] == "S" else ""


def _own_part(everything: str, raw: str) -> str:
    """Reply-only text of an e-mail; empty when it holds nothing but history."""
    marked = reply_text("", raw) if looks_like_html(raw) else ""
    own = _visible(reply_text(marked or everything))
    lines = [line for line in own.split("\n") if not _QUOTED.match(line)]
    rest = "\n".join(lines).strip()
    return "" if len(lines) < own.count("\n") + 1 and _ATTRIBUTION.fullmatch(rest) else rest


def _signature(everything: str, own: str) -> str:
    """The lines between the author's last words and the history."""
    last = own.rsplit("\n", 1)[-1].strip()
    position = everything.rfind(last) if last else -1
    if position < 0:
        return ""
    kept = []
    for line in everything[position + len(last) :][:2_000].split("\n"):
        if _HISTORY_MARK.match(line[:400]):
            break
        kept.append(line)
    return "\n".join(kept).strip()
