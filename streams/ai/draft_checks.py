"""Ten checks between a draft and anybody who could send it: what facts don't support is not sent. All pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from typing import Literal
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from streams.ai.amounts import MONEY, PERCENT, plain_numbers, values
from streams.ai.labels import DRAFTED, Label
from streams.ai.language import language_of
from streams.ai.phrases import Phrases
from streams.ai.rules.injection import without_injection
from streams.ai.rules.normalising import READ_LIMIT, normalised, unescaped
from streams.ai.sms_length import sms_segments
from streams.ai.time_phrases import Moment, moments, names_zone

Code = Literal[
    "empty",
    "label_gets_no_draft",
    "already_booked",
    "no_phone_on_file",
    "placeholder",
    "unknown_link",
    "unknown_email",
    "unknown_phone",
    "unknown_price",
    "unknown_percentage",
    "unknown_number",
    "unknown_time",
    "weekday_mismatch",
    "no_time_zone",
    "many_questions",
    "too_long",
    "unreadable",
    "guarantee",
    "instructions_repeated",
    "other_workspace",
    "markdown",
    "wrong_name",
    "wrong_language",
    "repeats_earlier_message",
]
#: What was found, for the person who decides.
MESSAGES: dict[Code, str] = {
    "empty": "The draft is empty.",
    "label_gets_no_draft": "Replies with this label are not answered.",
    "already_booked": "A meeting is booked already: the calendar confirms it, not a draft.",
    "no_phone_on_file": "The lead wants a call, but no number is known: somebody has to find one.",
    "placeholder": "The draft holds a placeholder that nobody filled in.",
    "unknown_link": "The draft holds a link or domain that the workspace did not give.",
    "unknown_email": "The draft holds an e-mail address that the workspace did not give.",
    "unknown_phone": "The draft holds a phone number that the workspace did not give.",
    "unknown_price": "The draft names an amount of money that the workspace did not give.",
    "unknown_percentage": "The draft names a percentage that the workspace did not give.",
    "unknown_number": "The draft names a number that neither the workspace nor the lead gave.",
    "unknown_time": "The draft names a day or time that was neither offered nor proposed.",
    "weekday_mismatch": "Weekday and date in the draft don't agree.",
    "no_time_zone": "The draft names a clock time without its time zone.",
    "many_questions": "The draft asks more than one question.",
    "too_long": "The draft is too long for its channel.",
    "unreadable": "The draft could not be checked in the time a text may take.",
    "guarantee": "The draft promises or guarantees something.",
    "instructions_repeated": "The draft repeats instructions meant for a model.",
    "other_workspace": "The draft names another workspace.",
    "markdown": "The draft holds markdown, which the lead would see as signs.",
    "wrong_name": "The draft greets somebody else.",
    "wrong_language": "The draft is not in the lead's language.",
    "repeats_earlier_message": "The draft says again what an earlier message of ours said.",
}


#: Longer text is no draft of any channel, and not read.
LONGEST_DRAFT = 5_000
#: Characters of the workspace's facts that count.
FACTS_LIMIT = 500_000


@dataclass(frozen=True, kw_only=True)
class DraftContext:
    """All a draft may rest on."""

    channel: Literal["sms", "linkedin", "email"]
    label: Label
    #: When the lead wrote, aware, and the zone its times are in.
    written: datetime
    timezone: str
    lead_text: str
    #: Names the lead may be greeted by.
    lead_names: tuple[str, ...] = ()
    already_booked: bool = False
    phone_on_file: bool = False
    #: Everything the workspace lets be said, as text: prices, numbers, approved sentences.
    facts: tuple[str, ...] = ()
    #: URLs or bare domains; a domain allows all its paths, a URL itself only.
    links: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    #: E.164.
    phones: tuple[str, ...] = ()
    #: Offered, aware.
    slots: tuple[datetime, ...] = ()
    canary: str = ""
    #: Names of the installation's other workspaces.
    other_workspaces: tuple[str, ...] = ()
    #: What we wrote before.
    earlier: tuple[str, ...] = ()
    _plain_facts: str = field(init=False, default="", repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_plain_facts", _plain("\n".join(self.facts), FACTS_LIMIT))

    @property
    def plain_facts(self) -> str:
        """The facts with their spelling evened out."""
        return self._plain_facts

    @cached_property
    def plain_lead(self) -> str:
        """The lead's words with their spelling evened out."""
        return _plain(self.lead_text)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason not to send a draft. It quotes nothing."""

    #: 1 to 10, the check that found it.
    check: int
    code: Code

    @property
    def message(self) -> str:
        """The finding in words."""
        return MESSAGES[self.code]


def check_draft(draft: str, context: DraftContext) -> tuple[Finding, ...]:
    """What speaks against the draft, in the order of the checks; empty when nothing does. Any finding blocks it."""
    if len(draft) > LONGEST_DRAFT:
        return (Finding(check=7, code="too_long"),)
    plain = _plain(draft)
    if len(plain) > LONGEST_DRAFT:
        return (Finding(check=7, code="too_long"),)
    found = ((number, code) for number, check in enumerate(_CHECKS, start=1) for code in check(plain, context))
    return tuple(Finding(check=number, code=code) for number, code in dict.fromkeys(found))


_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def _plain(text: str, limit: int = READ_LIMIT) -> str:
    """Entities, percent codes, look-alike widths and invisible characters undone: disguises don't pass a check."""
    undone = unescaped(unescaped(text))
    if re.search(r"%[0-9A-Fa-f]{2}", undone):
        undone = unquote(undone)
    return _HIDDEN.sub("", normalised(undone, "NFKC", limit))


# 1: whether there should be a draft at all


def _called_for(draft: str, context: DraftContext) -> Iterator[Code]:
    if not draft.strip():
        yield "empty"
    if context.label not in DRAFTED:
        yield "label_gets_no_draft"
    if context.already_booked:
        yield "already_booked"
    if context.label == "Call Requested" and not context.phone_on_file:
        yield "no_phone_on_file"


# 2: placeholders

_PLACEHOLDER = re.compile(
    r"\[[^\[\]\n]*+\]|\{[^{}\n]*+\}|%[A-Za-z_][\w ]*%|<\/?[A-Za-z][^>\n]{0,40}>|\$[A-Za-z_]\w*|\b[Xx]{2,}\b|\b(?:TBD"
    r"|TBC|TODO|FIXME)\b|\blorem\b"
    r"|\bipsum\b|\b(?:INSERT|YOUR|FIRST|LAST|COMPANY|LEAD)[_ ](?:NAME|LINK|COMPANY|DATE|TIME|HERE)\b|_{3,}",
)


def _placeholders(draft: str, _context: DraftContext) -> Iterator[Code]:
    if _PLACEHOLDER.search(draft):
        yield "placeholder"


# 3: links, addresses, numbers to call

# Possessive quantifiers and look-behinds keep every pattern linear: a model can be made to write hostile text.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:(?:\.|\s?(?:\(dot\)|\[dot\])\s?)[\w-]+)+")
_DOT = re.compile(r"\s?(?:\(dot\)|\[dot\]|\[\.\]|(?<=\w) dot (?=(?:com|net|org|io|co|example)\b))\s?", re.IGNORECASE)
_SCHEME = re.compile(r"\b(?:https?|ftp|file|data|javascript|tel|sms|mailto|hxxps?):\S*", re.IGNORECASE)
_DOMAIN = re.compile(r"(?<![\w@.-])(?:[\w-]++\.(?=[\w-]))++(?:xn--[\w-]+|[^\W\d_]{2,24})(?![\w-])(?:[/?#:][^\s]*)?")
#: Dots of prose that look like a domain.
_PROSE = re.compile(r"(?:[ap]\.m|e\.g|i\.e|etc|vs|no|inc|ltd|u\.s|ph\.d)\.?", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w/.:-])\+?\(?\d(?:[\s().\u2013/-]{0,2}\d){6,14}(?![\w-])")
_DATE_LIKE = re.compile(
    r"20\d\d[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[./-]\d{1,2}[./-]20\d\d.*|\d{1,2}[.:]\d\d\s?[-\u2013]\s?\d{1,2}[.:]\d\d"
)


def _contacts(draft: str, context: DraftContext) -> Iterator[Code]:
    """What the facts say themselves is allowed like what is listed."""
    undotted = _DOT.sub(".", draft)
    known_emails = {_address(email) for email in (*context.emails, *_EMAIL.findall(context.plain_facts))}
    if any(_address(found) not in known_emails for found in _EMAIL.findall(undotted)):
        yield "unknown_email"
    known_links = (*context.links, *_links(_EMAIL.sub(" ", context.plain_facts)))
    if any(not _is_allowed_link(link, known_links) for link in _links(_EMAIL.sub(" ", undotted))):
        yield "unknown_link"
    known_phones = (*context.phones, *_PHONE.findall(context.plain_facts))
    if any(not _is_allowed_phone(found, known_phones) for found in _PHONE.findall(_SCHEME.sub(" ", draft))):
        yield "unknown_phone"


def _address(email: str) -> str:
    return re.sub(r"\s?(?:\(at\)|\[at\])\s?", "@", email.replace(" ", "")).rstrip(".").lower()


def _links(text: str) -> Iterator[str]:
    for match in _SCHEME.finditer(text):
        yield match[0]
    for match in _DOMAIN.finditer(_SCHEME.sub(" ", text)):
        if not _PROSE.fullmatch(match[0]):
            yield match[0]


def _is_allowed_link(link: str, allowed: tuple[str, ...]) -> bool:
    found = _normal_link(link)
    for one in map(_normal_link, allowed):
        is_domain = "/" not in one
        if found == one or (is_domain and re.match(rf"{re.escape(one)}[/?#]", found)):
            return True
    return False


def _normal_link(link: str) -> str:
    """Without scheme, www, closing punctuation and a last slash; the host in punycode, so look-alikes differ."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", link.strip(), flags=re.IGNORECASE).rstrip(".,;:!?)\"'>").rstrip("/")
    host, slash, rest = re.match(r"([^/?#]*)([/?#]?)(.*)", bare, re.DOTALL).groups()  # type: ignore[union-attr]
    try:
        ascii_host = host.encode("idna").decode().lower()
    except UnicodeError:
        ascii_host = host.lower()
    return f"{ascii_host}{slash}{rest}"


def _is_allowed_phone(found: str, known: tuple[str, ...]) -> bool:
    if _DATE_LIKE.fullmatch(found.strip()):
        return True
    digits = re.sub(r"\D", "", found).lstrip("0")
    allowed = [re.sub(r"\D", "", phone) for phone in known]
    return any(phone == digits or (len(digits) >= 7 and phone.endswith(digits)) for phone in allowed)


# 4: money, percentages, numbers

_FREE = re.compile(
    r"\b(?:for free\b|free of charge|no (?:cost|fee)\b|complimentary|at no charge|discount(?:ed)?|half price)",
    re.IGNORECASE,
)


def _numbers(draft: str, context: DraftContext) -> Iterator[Code]:
    # Money and percentages must be ours: what a lead names as a price must not come back as our offer.
    gives_away = any(match[0].lower() not in context.plain_facts.lower() for match in _FREE.finditer(draft))
    if gives_away or values(MONEY, draft) - values(MONEY, context.plain_facts):
        yield "unknown_price"
    if values(PERCENT, draft) - values(PERCENT, context.plain_facts):
        yield "unknown_percentage"
    unknown = plain_numbers(_without_checked_elsewhere(draft)) - plain_numbers(context.plain_facts)
    if unknown and unknown - plain_numbers(context.plain_lead):
        yield "unknown_number"


def _without_checked_elsewhere(draft: str) -> str:
    """Without links, addresses, phone numbers, days, times, money and percentages, which have checks of their own."""
    for moment in reversed(_parts(draft)):
        draft = f"{draft[: moment[0]]} {draft[moment[1] :]}"
    for pattern in (_EMAIL, _SCHEME, _DOMAIN, _PHONE, MONEY, PERCENT):
        draft = pattern.sub(" ", draft)
    return draft


def _parts(text: str) -> list[tuple[int, int]]:
    parts = {
        (part.start, part.end) for moment in moments(text) for part in (moment.day, moment.clock) if part is not None
    }
    return sorted(parts)


# 5: days and times


def _times(draft: str, context: DraftContext) -> Iterator[Code]:
    zone = ZoneInfo(context.timezone)
    written = context.written.astimezone(zone).date()
    found = moments(draft)
    offered = [slot.astimezone(zone) for slot in context.slots] + list(context.slots)
    proposed = moments(context.plain_lead) if found else []
    if any(not _is_known(moment, offered, proposed, written) for moment in found):
        yield "unknown_time"
    if any(moment.day is not None and not moment.day.weekday_agrees(written) for moment in found):
        yield "weekday_mismatch"
    if any(moment.clock is not None for moment in found) and not names_zone(draft):
        yield "no_time_zone"


def _is_known(moment: Moment, offered: list[datetime], proposed: list[Moment], written: date) -> bool:
    days = set(moment.day.dates(written)) if moment.day is not None else None
    clocks = set(moment.clock.readings) if moment.clock is not None else None
    shown = _in_its_zone(moment, offered)
    if any(
        _fits(days, {slot.date()}) and _fits(clocks, {slot.time().replace(second=0, microsecond=0)}) for slot in shown
    ):
        return True
    return any(
        _fits(days, _days_of(lead, written)) and _fits(clocks, _clocks_of(lead)) for lead in _with_split(proposed)
    )


def _in_its_zone(moment: Moment, offered: list[datetime]) -> list[datetime]:
    """Offered times as the zone beside the named time shows them; as they are where none stands there."""
    zone = moment.clock.zone if moment.clock is not None else None
    return [slot.astimezone(ZoneInfo(zone)) for slot in offered] if zone else offered


def _with_split(proposed: list[Moment]) -> list[Moment]:
    """A lead's pair, and its day alone: `Thursday at 3` may be answered with `Thursday`, but not with another hour."""
    return [*proposed, *(Moment(day=moment.day, clock=None) for moment in proposed if moment.day is not None)]


def _fits(named: set[date] | set[time] | None, known: set[date] | set[time]) -> bool:
    return named is None or bool(set(named) & set(known))


def _days_of(moment: Moment, written: date) -> set[date]:
    return set(moment.day.dates(written)) if moment.day is not None else set()


def _clocks_of(moment: Moment) -> set[time]:
    return set(moment.clock.readings) if moment.clock is not None else set()


# 6 to 8: form


def _questions(draft: str, _context: DraftContext) -> Iterator[Code]:
    if len(re.findall(r"[?\uff1f\u061f\u037e]+", _DOMAIN.sub(" ", _SCHEME.sub(" ", draft)))) > 1:
        yield "many_questions"


def _length(draft: str, context: DraftContext) -> Iterator[Code]:
    too_long = {
        "sms": lambda: sms_segments(draft) > 3,
        "linkedin": lambda: len(draft) > 600,
        "email": lambda: len(draft.split()) > 150,
    }
    if too_long[context.channel]():
        yield "too_long"


_GUARANTEE = Phrases(
    r"\bguarant(?:ee|y|ie)\w*|\b(?:I|we) promise\b|\bwithout (?:any )?risk\b|\b(?:risk|hassle)[- ]free\b"
    r"|\bno[- ]risk\b|\b100\s?%|\bzero risk\b"
    r"|\bgarantier\w*|\bgaranti[ez]?\w*|\bversprech\w+|\bmoney[- ]back\b|\bcan'?t (?:lose|fail)\b|\bdefinitely will\b",
    re.IGNORECASE,
)
#: What only a prompt or a model would say; sentences that address a model are found by the rule for replies.
_INSTRUCTION = Phrases(
    r"\bsystem (?:prompt|message|override)\b|\bas an? (?:AI|language model)\b|\[/?INST\]|\bAPI[ _-]?key\b"
    r"|<\|?\s?/?\s?(?:im_start|im_end|system|assistant|user)\b|^[ \t]*+(?:system|assistant|user|developer)\s*:"
    r"|\bopt_out\b|\bsafe_to_send\b|\b(?-i:FACTS)\b|\b(?:forget|ignore|disregard) (?:everything|all)\b"
    r"|\b(?:repeat|print) the (?:text|words|prompt) above\b|\bfrom now on\b|игнорируй|忽略|無視",
    re.IGNORECASE | re.MULTILINE,
)
_MARKDOWN = re.compile(
    r"\*\*|__\w|`|^#{1,6}\s|^[ \t]*+(?:[-*•]|\d+[.)])[ \t]+\S|^[ \t]*+>|\]\(|^[ \t]*+\|.*\|$|^---+$", re.MULTILINE
)


def _promises(draft: str, context: DraftContext) -> Iterator[Code]:
    if _GUARANTEE.search(draft):
        yield "guarantee"
    leaks = bool(context.canary) and context.canary.lower() in draft.lower()
    if leaks or _INSTRUCTION.search(draft) or without_injection(draft)[1]:
        yield "instructions_repeated"
    if any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", draft, re.IGNORECASE) for name in context.other_workspaces if name
    ):
        yield "other_workspace"
    if _MARKDOWN.search(draft):
        yield "markdown"


# 9: name and language

_GREETING = re.compile(
    r"\s*(?:hi|hey|hello|dear|hallo|hej|guten (?:tag|morgen)|liebe[r]?|sehr geehrte[r]?|bonjour|cher|chère|salut"
    r"|hola|buenos días|estimad[oa]"
    r"|ciao|olá|beste)\s+(?P<name>[^\s,!.:;?\u2013]+)"
    r"|\s*(?:[Tt]hanks|[Tt]hank you|[Dd]anke|[Mm]erci"
    r"|[Gg]racias),?\s+(?P<thanked>(?-i:[A-ZÄÖÜÉ])[^\s,!.:;?\u2013]+)\s*[,!.:\u2013]",
    re.IGNORECASE,
)
_TITLES = frozenset({"herr", "frau", "mr", "mrs", "ms", "dr", "prof", "monsieur", "madame", "señor", "señora"})
_NOT_NAMES = frozenset(
    {
        "there",
        "again",
        "all",
        "everyone",
        "team",
        "for",
        "so",
        "very",
        "much",
        "to",
        "that",
        "you",
        "and",
        "zusammen",
        "nochmals",
        "für",
        "à",
        "pour",
        "por",
        "back",
        "a",
        "many",
        "on",
        "this",
        "the",
    }
)


def _addressee(draft: str, context: DraftContext) -> Iterator[Code]:
    match = _GREETING.match(draft)
    name = (match["name"] or match["thanked"]) if match is not None else None
    if name and not _is_lead(name, context.lead_names):
        yield "wrong_name"
    ours = language_of(draft)
    theirs = language_of(context.plain_lead) if ours is not None else None
    if theirs is not None and ours != theirs:
        yield "wrong_language"


def _is_lead(name: str, lead_names: tuple[str, ...]) -> bool:
    found = name.casefold().rstrip(".")
    known = {part.casefold() for lead_name in lead_names for part in (lead_name, *lead_name.split())}
    return found in known or found in _TITLES or found in _NOT_NAMES


# 10: repetition


def _repetition(draft: str, context: DraftContext) -> Iterator[Code]:
    ours = _four_grams(draft)
    for earlier in context.earlier if ours else ():
        theirs = _four_grams(_plain(earlier))
        if len(ours & theirs) / len(ours) >= 0.8:
            yield "repeats_earlier_message"
            return


def _four_grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return set(zip(words, words[1:], words[2:], words[3:], strict=False)) or ({tuple(words)} if words else set())


_CHECKS: tuple[Callable[[str, DraftContext], Iterator[Code]], ...] = (
    _called_for,
    _placeholders,
    _contacts,
    _numbers,
    _times,
    _questions,
    _length,
    _promises,
    _addressee,
    _repetition,
)
