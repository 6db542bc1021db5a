"""Reads when a lead wants to hear from us again, offline, by phrases in English, German, French and Spanish."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from dateutil.relativedelta import MO, relativedelta

from streams.ai.answers import FollowUpTiming
from streams.ai.phrases import Phrases
from streams.ai.time_phrases import AMBIGUOUS_MONTHS, MONTH_NUMBER, Moment, moments, plain_letters

Precision = Literal["time", "day", "week", "month", "quarter", "vague", "none"]

_NUMBERS = {
    **dict.fromkeys(("a", "an", "one", "ein", "eine", "einem", "einer", "un", "une", "una"), 1),
    **dict.fromkeys(("two", "a couple of", "a couple", "couple of", "zwei", "deux", "dos"), 2),
    **dict.fromkeys(
        (
            "three",
            "a few",
            "few",
            "several",
            "drei",
            "ein paar",
            "einigen",
            "trois",
            "quelques",
            "tres",
            "unas",
            "unos",
        ),
        3,
    ),
    **dict.fromkeys(("four", "vier", "quatre", "cuatro"), 4),
    **dict.fromkeys(("five", "fünf", "cinq", "cinco"), 5),
    **dict.fromkeys(("six", "sechs", "seis"), 6),
}
_UNITS = {
    **dict.fromkeys(("day", "days", "tag", "tagen", "jour", "jours", "día", "días", "dia", "dias"), "days"),
    **dict.fromkeys(
        ("week", "weeks", "wk", "wks", "woche", "wochen", "semaine", "semaines", "semana", "semanas"), "weeks"
    ),
    **dict.fromkeys(("month", "months", "monat", "monate", "monaten", "mois", "mes", "meses"), "months"),
    **dict.fromkeys(("quarter", "quarters", "quartal", "trimestre"), "quarters"),
    **dict.fromkeys(("year", "years", "jahr", "jahren", "an", "ans", "année", "año", "años"), "years"),
}


def _any(words: dict[str, object] | dict[str, int] | dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_IN = Phrases(
    rf"\b(?:in|dans|en|within)\s+(?P<count>\d{{1,3}}|{_any(_NUMBERS)})\s+(?P<unit>{_any(_UNITS)})\b"
    rf"|\b(?P<count2>\d{{1,3}}|{_any(_NUMBERS)})\s+(?P<unit2>{_any(_UNITS)})\s+(?:from now|later)\b",
    re.IGNORECASE,
)
_NEXT = Phrases(
    rf"\b(?:next|nächste[nrs]?|próxim[oa]|proxim[oa])\s+(?P<unit>{_any(_UNITS)})\b"
    rf"|\b(?:la |le |el )?(?P<unit2>semaine|mois|trimestre|année|semana|mes|año)\s+(?:prochaine?|próxim[oa]"
    rf"|que viene)\b",
    re.IGNORECASE,
)
_QUARTER = Phrases(
    r"\b(?:Q(?P<number>[1-4])|(?P<number2>[1-4])\. Quartal|T(?P<number3>[1-4]))\b(?:[ /']*(?P<year>20\d\d))?"
)
_END_OF = Phrases(
    r"\b(?:end of|eoy|eoq|eom|ende|fin de|finales de)\b\s*(?:the |this |des |de |du |l'|la |el )?(?P<unit>month"
    r"|quarter|year|monats|"
    r"quartals|jahres|mois|trimestre|année|mes|año)?",
    re.IGNORECASE,
)
_SEASONS = {
    3: "spring|frühling|frühjahr|printemps|primavera",
    6: "summer|sommer|été|verano",
    9: "autumn|fall|herbst|automne|otoño|rentrée",
    12: "winter|hiver|invierno",
}
_SEASON = Phrases(
    rf"\b(?:in|this|next|after|until|before|im|nach|en|à|la|au|el|the)\s+(?:the\s+|la\s+|l')?"
    rf"(?P<season>{'|'.join(_SEASONS.values())})\b",
    re.IGNORECASE,
)
_LABOR_DAY = Phrases(r"\blabou?r day\b", re.IGNORECASE)
_NEW_YEAR = Phrases(
    r"\b(?:new year|neues jahr|neuen jahr|nouvel an|año nuevo|the holidays|christmas|weihnachten|noël)\b", re.IGNORECASE
)
_MONTH = Phrases(
    rf"\b(?:(?P<start>in|by|until|till|around|early|mid|late|from|im|ab|bis|anfang|mitte|en|début|mi|fin|desde"
    rf"|hasta|before|after)[\s-]+)?"
    rf"(?P<month>{_any(MONTH_NUMBER)})\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?P<week>(?:the )?week (?:after|following))|\b(?:after|through|until|till|til|past|nach"
    r"|bis(?: einschließlich)?|après|jusqu'au"
    r"|después del?|hasta el)\b",
    re.IGNORECASE,
)
_BACK_ON = re.compile(r"\b(?:back|return(?:ing)?|reopens?|zurück|retour|de vuelta)\b", re.IGNORECASE)
_VAGUE = Phrases(
    r"\b(?:later|some ?day|another time|not (?:right )?now|not yet|too early|when(?:ever)? (?:things|we|i|it)"
    r"|once (?:we|i|things|our)|"
    r"down the (?:road|line)|in (?:the )?future|get back to you|come back to you|circle back|später|irgendwann"
    r"|plus tard|más adelante)\b",
    re.IGNORECASE,
)
_ASKS = Phrases(
    r"\b(?:reach out|ping (?:me|us)|contact (?:me|us)|try (?:me|us|again|in)|check (?:back|in)|write (?:again|me"
    r"|us)|get (?:back|in touch)"
    r"|reconnect|touch base|circle back|follow up|ask (?:me|us)? ?again|hit me up|come back|melden sie sich"
    r"|meld dich|recontactez|contáct\w+"
    r"|escríb\w+)\b",
    re.IGNORECASE,
)
_WEEK_AFTER = re.compile(r"[^?!\n]{0,40}\bthe week after\b(?! [A-Z\d])", re.IGNORECASE)
_NOBODY_KNOWS = FollowUpTiming(is_deferral=False, day=None, clock=None, precision="none", phrase=None, confidence=0.6)


@dataclass(frozen=True, kw_only=True)
class _Found:
    day: date
    precision: Precision
    phrase: str
    confidence: float
    clock: str | None = None


def read_timing(text: str, written: datetime, *, is_deferral: bool) -> FollowUpTiming:
    """When to write again. `written` is the moment of writing in the lead's zone; `is_deferral` what the label says.

    A day is always after the day of writing; what can't be dated is vague.
    """
    text = plain_letters(text)
    found = _first(_asking_part(text), written.date()) or _first(text, written.date())
    if found is not None:
        return FollowUpTiming(
            is_deferral=is_deferral,
            day=found.day,
            clock=found.clock,
            precision=found.precision,
            phrase=found.phrase[:120],
            confidence=found.confidence,
        )
    if is_deferral or _VAGUE.search(text):
        return FollowUpTiming(
            is_deferral=is_deferral, day=None, clock=None, precision="vague", phrase=None, confidence=0.6
        )
    return _NOBODY_KNOWS


def _first(text: str, written: date) -> _Found | None:
    found = (reader(text, written) for reader in _READERS)
    return next((one for one in found if one is not None and one.day > written), None)


def _asking_part(text: str) -> str:
    """From the sentence that asks to be written to: `The contract expires 31 August. Reach out in June` means June."""
    match = _ASKS.search(text)
    return text[max(text.rfind(mark, 0, match.start()) for mark in ".!?\n") + 1 :] if match else ""


def _in_some_time(text: str, written: date) -> _Found | None:
    match = _IN.search(text)
    if match is None:
        return None
    count_text = (match["count"] or match["count2"]).lower()
    count = int(count_text) if count_text.isdigit() else _NUMBERS[count_text]
    unit = _UNITS[(match["unit"] or match["unit2"]).lower()]
    precision: Precision = "day" if unit == "days" else "week" if unit == "weeks" else "month"
    return _Found(day=written + _span(count, unit), precision=precision, phrase=match[0], confidence=0.9)


def _next_unit(text: str, written: date) -> _Found | None:
    match = _NEXT.search(text)
    if match is None:
        return None
    unit = _UNITS[(match["unit"] or match["unit2"]).lower()]
    starts: dict[str, tuple[date, Precision]] = {
        "days": (written + timedelta(days=1), "day"),
        "weeks": (written + relativedelta(days=1, weekday=MO), "week"),
        "months": (written + relativedelta(months=1, day=1), "month"),
        "quarters": (_quarter_start(written, 1), "quarter"),
        "years": (date(written.year + 1, 1, 1), "quarter"),
    }
    day, precision = starts[unit]
    return _Found(day=day, precision=precision, phrase=match[0], confidence=0.9)


def _quarter(text: str, written: date) -> _Found | None:
    match = _QUARTER.search(text)
    if match is None:
        return None
    number = int(match["number"] or match["number2"] or match["number3"])
    year = int(match["year"]) if match["year"] else written.year
    start = date(year, 3 * number - 2, 1)
    if start <= written and not match["year"] and _quarter_start(written, 0) != start:
        start = date(year + 1, 3 * number - 2, 1)
    return _Found(day=start, precision="quarter", phrase=match[0], confidence=0.97)


def _end_of(text: str, written: date) -> _Found | None:
    match = _END_OF.search(text)
    if match is None:
        return None
    word = (match["unit"] or match[0]).lower()
    if word.startswith(("month", "monat", "mois", "mes", "eom")):
        return _Found(day=written + relativedelta(day=31), precision="month", phrase=match[0], confidence=0.85)
    if word.startswith(("quarter", "quartal", "trimestre", "eoq")):
        end = _quarter_start(written, 1) - timedelta(days=1)
        return _Found(day=end, precision="quarter", phrase=match[0], confidence=0.85)
    if word.startswith(("year", "jahr", "ann", "año", "eoy")):
        return _Found(day=date(written.year, 12, 31), precision="month", phrase=match[0], confidence=0.85)
    return None


def _dated(text: str, written: date) -> _Found | None:
    for moment in moments(text):
        mention = moment.day
        if mention is None or not mention.readings:
            continue
        candidates = mention.dates(written)
        if len(candidates) != 1:
            continue
        return _around(text, moment, candidates[0], "day", 0.95)
    return None


def _weekday(text: str, written: date) -> _Found | None:
    for moment in moments(text):
        if moment.day is not None and not moment.day.readings:
            return _around(text, moment, moment.day.dates(written)[0], "day", 0.9)
    return None


def _around(text: str, moment: Moment, day: date, precision: Precision, confidence: float) -> _Found:
    """The day as it is meant beside "after", "until" and "the week after"."""
    before = text[max(0, moment.start - 30) : moment.start]
    after = list(_AFTER.finditer(before))
    phrase = text[moment.start : moment.end]
    if (after and after[-1]["week"]) or _WEEK_AFTER.match(text, moment.end):
        return _Found(day=day + relativedelta(days=1, weekday=MO), precision="week", phrase=phrase, confidence=0.9)
    if after and not _BACK_ON.search(before[after[-1].start() :]):
        return _Found(day=day + timedelta(days=1), precision=precision, phrase=phrase, confidence=0.9)
    clock = moment.clock
    if clock is not None and len(clock.readings) == 1:
        at = clock.readings[0].strftime("%H:%M")
        return _Found(day=day, precision="time", phrase=phrase, confidence=confidence, clock=at)
    return _Found(day=day, precision=precision, phrase=phrase, confidence=confidence)


def _month(text: str, written: date) -> _Found | None:
    for match in _MONTH.finditer(text):
        name = match["month"]
        if name.lower() in AMBIGUOUS_MONTHS and not (match["start"] and name[0].isupper()):
            continue
        if len(name) <= 4 and not match["start"] and name.lower() not in ("june", "july"):
            continue
        month = MONTH_NUMBER[name.lower()]
        start = date(written.year + (month <= written.month), month, 1)
        after = (match["start"] or "").lower() in ("after", "until", "till", "bis", "hasta")
        is_over = after and match["start"].lower() == "after"
        day = start + relativedelta(months=1) if is_over else start
        return _Found(day=day, precision="month", phrase=match[0], confidence=0.95)
    return None


def _season(text: str, written: date) -> _Found | None:
    match = _SEASON.search(text)
    if match is None:
        return None
    month = next(number for number, names in _SEASONS.items() if match["season"].lower() in names.split("|"))
    start = date(written.year + (month <= written.month), month, 1)
    return _Found(day=start, precision="quarter", phrase=match[0], confidence=0.75)


def _holiday(text: str, written: date) -> _Found | None:
    if match := _LABOR_DAY.search(text):
        labor_day = date(written.year, 9, 1) + relativedelta(weekday=MO)
        if labor_day <= written:
            labor_day = date(written.year + 1, 9, 1) + relativedelta(weekday=MO)
        return _Found(day=labor_day + timedelta(days=1), precision="day", phrase=match[0], confidence=0.9)
    if match := _NEW_YEAR.search(text):
        start = date(written.year + 1, 1, 2) + relativedelta(weekday=MO)
        return _Found(day=start, precision="week", phrase=match[0], confidence=0.8)
    return None


def _span(count: int, unit: str) -> relativedelta:
    if unit == "quarters":
        return relativedelta(months=3 * count)
    return relativedelta(
        days=count if unit == "days" else 0,
        weeks=count if unit == "weeks" else 0,
        months=count if unit == "months" else 0,
        years=count if unit == "years" else 0,
    )


def _quarter_start(day: date, ahead: int) -> date:
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1) + relativedelta(months=3 * ahead)


#: The first that finds a day after the day of writing wins: exact before vague.
_READERS: tuple[Callable[[str, date], _Found | None], ...] = (
    _in_some_time,
    _quarter,
    _dated,
    _next_unit,
    _end_of,
    _holiday,
    _month,
    _weekday,
    _season,
)
