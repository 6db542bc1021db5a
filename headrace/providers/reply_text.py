"""Finds what an e-mail's author wrote now, among quoted history, signatures and footers.

Works line by line over bounded lines, so that its time is linear: the reply-parsing libraries need
minutes for some kilobytes of `On On On …` (docs/providers.md has the comparison). Whatever it is
unsure of, it keeps; and it never answers with nothing when the author wrote something.
"""

import re
from collections.abc import Iterator, Sequence

from headrace.providers.html_text import html_to_text, own_words

#: Characters read of a body; what lies beyond is history.
READ_LIMIT = 131_072
#: Longer lines are prose, not marks of a mail program.
_LONGEST_MARK = 400
_LONGEST_ATTRIBUTION = 4
_HEADER_BLOCK = 8
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"), None) | {
    ord(space): " " for space in "\u00a0\u202f\u2007\u2009"
}

#: Header labels of answered and forwarded mail by what they label: en de fr es pt it nl pl da/no sv fi cs.
_LABELS = {
    "from": "from|von|de|da|van|od|fra|från|lähettäjä",
    "date": "sent|date|gesendet|datum|envoyé|date d'envoi|enviado|enviado el|enviada em|fecha|data|inviato|verzonden"
    "|wysłano|sendt|dato|skickat|lähetetty|odesláno",
    "to": "to|an|à|a|para|aan|do|til|till|vastaanottaja|komu",
    "subject": "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|temat|emne|ämne|aihe|předmět",
    "copy": "cc|kopie|kopia|kopi|cópia|copia",
}
_KIND_OF_LABEL = {label: kind for kind, labels in _LABELS.items() for label in labels.split("|")}
#: Every line that begins history has one of these.
_ANY_MARK = re.compile(r":|--|__|==")
_RULE = re.compile(r"[\s*]*+(?:_{8,}+|-{20,}+|={20,}+)\s*+")
_SEPARATOR = re.compile(
    r"[\s>]*+-{2,}+\s*+(?:original message|original-nachricht|ursprüngliche nachricht|weitergeleitete nachricht"
    r"|forwarded message|message d'origine|message original|message transféré|mensaje original|mensaje reenviado"
    r"|mensagem original|mensagem encaminhada|messaggio originale|messaggio inoltrato|oorspronkelijk bericht"
    r"|doorgestuurd bericht|wiadomość oryginalna|oryginalna wiadomość|oprindelig meddelelse|opprinnelig melding"
    r"|ursprungligt meddelande|vidarebefordrat meddelande)\s*+-*+\s*+",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"\s*+(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)"
    r"|début du message (?:transféré|réexpédié)|inicio del mensaje reenviado"
    r"|início da mensagem (?:reencaminhada|encaminhada)|inizio messaggio inoltrato|begin doorgestuurd bericht"
    r"|start på videresendt)\s*+:\s*+",
    re.IGNORECASE,
)
#: `On Mon … wrote:` in the languages above.
_WROTE = re.compile(
    r"\b(?:wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|geschreven|pisze|skrev|kirjoitti"
    r"|napsal(?:\(a\))?|napisa[łl](?:\(a\)|a)?)(?=[\s:])",
    re.IGNORECASE,
)
_ATTRIBUTION_START = re.compile(
    r"(?:on|am|le|el|em|il|op|w dniu|dnia|den|dne|mon|tue|wed|thu|fri|sat|sun|pon|wt|śr|czw|pt"
    r"|sob|niedz|ma|ti|ke|to|pe|la|su|man|tirs?|ons|tors?|fre|lør|søn|mån|tis|lör|sön|\d{1,4})\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S@\w")
_CLOCK = re.compile(r"\d[:.h]\d\d")
_DATE = re.compile(r"\b20\d\d\b|\d[./-]\d{1,2}[./-]\d\d")
_SIGNATURE_MARK = re.compile(r"--\s*")
_SENT_FROM = re.compile(
    r"\W{0,3}(?:(?:sent|composed|written) (?:from|via|with|using|by) (?:my |yahoo|outlook|mail|proton|samsung|gmail"
    r"|android|iphone|ipad|blackberry|superhuman|spark|windows|an? )|get outlook for|outlook für "
    r"|von mein\w\w? .{1,40}gesendet"
    r"|gesendet (?:von|mit|über) |diese nachricht wurde von mein|envoyé (?:de|depuis|à partir) |obtenez outlook"
    r"|télécharger outlook|enviado (?:desde|do|de|a partir|pelo|através) |obtener outlook|obter o outlook"
    r"|inviato da |scarica outlook|verzonden (?:vanaf|met|vanuit) |verstuurd vanaf |outlook voor "
    r"|wysłan[eao] z |pobierz outlook"
    r"|sendt (?:fra|med|via) |hent outlook|skickat från |hämta outlook|lähetetty )",
    re.IGNORECASE,
)
_LONGEST_SENT_FROM = 120
_DISCLAIMER = re.compile(
    r"\W{0,4}(?:confidentiality(?: notice)?:|disclaimer:|caution: this email|important notice:"
    r"|privileged (?:and|&) confidential"
    r"|this (?:e-?mail|message|communication)\b.{0,80}(?:confidential|intended|privileged)"
    r"|the (?:information|contents?) (?:contained )?(?:in|of) this (?:e-?mail|message)"
    r"|if you (?:are not the intended|have received this e-?mail in error)"
    r"|diese (?:e-?mail|nachricht) .{0,40}vertraulich|ce (?:message|courriel) .{0,80}confidentiel"
    r"|este (?:mensaje|correo|e-?mail) .{0,80}confiden|esta mensagem .{0,80}confiden"
    r"|questo messaggio .{0,80}(?:riservat|confidenzial)|dit bericht .{0,80}vertrouwelijk|ta wiadomość .{0,80}poufn)",
    re.IGNORECASE,
)
_UNSUBSCRIBE = re.compile(r"unsubscribe|abmelden|désabonner|darse de baja|opt.?out", re.IGNORECASE)
_CLOSING = re.compile(
    r"(?:(?:kind|best|warm|many|with)[\w ]{0,20}(?:regards|wishes|thanks)|regards|best|cheers"
    r"|thanks|thank you|sincerely"
    r"|mit (?:freundlichen|besten|herzlichen) grüßen|(?:viele|beste|liebe|freundliche|herzliche) grüße|mfg|vg|gruß"
    r"|(?:bien )?cordialement|bien à vous|(?:un )?(?:cordial )?saludos?|saludos cordiales|atentamente|atenciosamente"
    r"|cumprimentos|abraços?|(?:cordiali |distinti )?saluti|met vriendelijke groet(?:en)?|groet(?:en|jes)?"
    r"|z poważaniem|pozdrawiam|(?:med )?venlige? hilsen|mvh|hilsen|(?:med )?vänliga? hälsning(?:ar)?)\W{0,3}",
    re.IGNORECASE,
)
_CONTACT = re.compile(r"\d[\d ()./-]{6,24}\d|www\.|https?://|\S@\w|\s\|\s|linkedin\.com", re.IGNORECASE)
_LONGEST_SIGNATURE = 20
_SENTENCE_WORDS = 4


def reply_text(plain: str, html: str = "") -> str:
    """The author's own words out of the plain and HTML bodies of an e-mail; either may be empty.

    HTML decides when its mail program marked the history, for such marks need no guessing.
    """
    words = own_words(html) if html.strip() else None
    if words and words.text and (words.had_marks or not plain.strip()):
        return _strip(words.text)
    return _strip(plain) or html_to_text(html)


def _strip(body: str) -> str:
    everything = body[:READ_LIMIT].translate(_INVISIBLE).replace("\r\n", "\n").replace("\r", "\n")
    own = _without_history(everything.split("\n"))
    return _joined(_without_footer(own)) or _joined(own) or everything.strip()


def _joined(lines: Sequence[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line.rstrip())
    return "\n".join(kept).strip()


def _without_history(lines: list[str]) -> list[str]:
    """The lines before the history; and between its quoted lines, where the author answered there."""
    own: list[str] = []
    kinds = [_label_kind(line) for line in lines]
    position = 0
    while position < len(lines):
        if _starts_history(lines[position], kinds, position):
            return own
        length = _attribution_length(lines, position)
        if length and not _quote_follows(lines, position + length):
            return own
        if not length and not lines[position].lstrip().startswith(">"):
            own.append(lines[position])
        position += length or 1
    return own


def _starts_history(line: str, kinds: list[str | None], position: int) -> bool:
    if len(line) > _LONGEST_MARK or not _ANY_MARK.search(line):
        return False
    if _SEPARATOR.fullmatch(line) or _FORWARD.fullmatch(line):
        return True
    if _RULE.fullmatch(line):
        return any(_is_header_block(kinds, after) for after in range(position + 1, position + 4))
    return _is_header_block(kinds, position)


def _is_header_block(kinds: list[str | None], position: int) -> bool:
    """From, Sent, To, Subject in any of the languages: sender and one more, or any three."""
    if position >= len(kinds) or (first := kinds[position]) is None:
        return False
    found = {*kinds[position : position + _HEADER_BLOCK]} - {None}
    return len(found) >= (2 if first == "from" and "date" in found else 3)


def _label_kind(line: str) -> str | None:
    if ":" not in line:
        return None
    label, colon, _ = line[:_LONGEST_MARK].lstrip(" *>\t").partition(":")
    return _KIND_OF_LABEL.get(label.strip(" *\t").lower()) if colon else None


def _attribution_length(lines: list[str], position: int) -> int:
    """How many lines from here say `On …, … wrote:`; 0 when none does."""
    first = lines[position].lstrip(" >\t")
    if len(first) > _LONGEST_MARK or not _ATTRIBUTION_START.match(first):
        return 0
    attributions = list(_joined_from(lines, position))
    # What the longest one lacks, none of them has.
    if not attributions or not _may_be_attribution(attributions[-1]) or not _WROTE.search(attributions[-1]):
        return 0
    return next((length for length, one in enumerate(attributions, start=1) if _is_attribution(one)), 0)


def _joined_from(lines: list[str], position: int) -> Iterator[str]:
    """The line there as one, then with the line below it, and so on."""
    attribution = ""
    for line in lines[position : position + _LONGEST_ATTRIBUTION]:
        part = line.strip(" >\t")
        if not part or len(attribution) + len(part) > _LONGEST_MARK:
            return
        attribution = f"{attribution} {part}".strip()
        yield attribution


def _may_be_attribution(text: str) -> bool:
    return ":" in text and bool(_ADDRESS.search(text) or (_CLOCK.search(text) and _DATE.search(text)))


def _is_attribution(text: str) -> bool:
    """A verb of writing and its colon, with an address, or with a date and a clock time: not `last week you wrote:`."""
    verb = _WROTE.search(text) if _may_be_attribution(text) else None
    return verb is not None and (text.endswith(":") or text[verb.end() :].lstrip().startswith(":"))


def _quote_follows(lines: list[str], position: int) -> bool:
    following = next((line for line in lines[position : position + 4] if line.strip()), "")
    return following.lstrip().startswith(">")


def _without_footer(lines: list[str]) -> list[str]:
    lines = [line for line in lines if not _is_footer_line(line)]
    for position, line in enumerate(lines):
        ends = _SIGNATURE_MARK.fullmatch(line) or (len(line) > 10 and _DISCLAIMER.match(line[:_LONGEST_MARK]))
        if ends and any(before.strip() for before in lines[:position]):
            lines = lines[:position]
            break
    return _without_contact_block(lines)


def _is_footer_line(line: str) -> bool:
    if len(line) <= _LONGEST_SENT_FROM and _SENT_FROM.match(line.strip()):
        return True
    return len(line) <= _LONGEST_MARK and "://" in line and bool(_UNSUBSCRIBE.search(line))


def _without_contact_block(lines: list[str]) -> list[str]:
    """Cuts titles, addresses and numbers after `Best regards, <name>`; the closing and the name stay."""
    start = max(0, len(lines) - 2 * _LONGEST_SIGNATURE)
    for position in range(len(lines) - 1, start, -1):
        if len(lines[position]) > _LONGEST_SENT_FROM or not _CLOSING.fullmatch(lines[position].strip()):
            continue
        block = [line for line in lines[position + 1 :] if line.strip()]
        is_contact = any(_CONTACT.search(line[:_LONGEST_MARK]) for line in block)
        if not is_contact or len(block) > _LONGEST_SIGNATURE or any(_is_sentence(line) for line in block):
            return lines
        name = [] if _CONTACT.search(block[0][:_LONGEST_MARK]) else block[:1]
        return [*lines[: position + 1], *name] if any(line.strip() for line in lines[:position]) else lines
    return lines


def _is_sentence(line: str) -> bool:
    return len(line.split()) >= _SENTENCE_WORDS and line.rstrip().endswith((".", "?", "!")) and " | " not in line
