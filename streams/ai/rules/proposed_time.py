"""Sees whether a message names a day, date or clock time; which one is read elsewhere."""

from streams.ai.labels import Label
from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold

_READ_LIMIT = 2_000
_MEETING: frozenset[Label] = frozenset({"Meeting Booked", "Meeting Requested", "Call Requested"})
_DAYS = (
    r"mon|tues?|wed|weds|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi"
    r"|dimanche"
    r"|lunes|martes|miercoles|jueves|viernes|sabado|domingo|segunda(?:-feira)?|terca(?:-feira)?"
    r"|quarta(?:-feira)?|quinta(?:-feira)?|sexta(?:-feira)?|lunedi|martedi|mercoledi|giovedi|venerdi|sabato"
    r"|domenica|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag"
    r"|poniedzialek|wtorek|sroda|srode|czwartek|piatek|mandag|tirsdag|onsdag|torsdag|fredag|lordag|tisdag"
    r"|maanantai\w*|tiistai\w*|keskiviikko\w*|torstai\w*|perjantai\w*"
)
_MONTHS = (
    r"jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar|rero)?|fevrier|fevereiro|mar(?:ch|s|zo|co|z)?|maerz"
    r"|apr(?:il)?|avril|abril|may|mai|mayo|maio|mei|june?|juin|junio|junho|juni|july?|juillet|julio|julho|juli"
    r"|aug(?:ust)?|aout|agosto|sept?(?:ember|iembre|embre)?|setembro|oct(?:ober|ubre|obre)?|okt(?:ober)?"
    r"|outubro|nov(?:ember|iembre|embre)?|novembro|dec(?:ember|embre)?|dez(?:ember|embro)?|diciembre|dicembre"
)
_TIME = Phrases(
    rf"\b(?:{_DAYS})\b(?! (?:and|or) (?:{_DAYS})s\b)|\b(?:today|tonight|tonite|tomorrow|tmrw|tmr|tomorow|heute"
    rf"|morgen (?:um|fruh|vormittag|nachmittag|abend)|demain|aujourdhui|manana a|amanha|domani|imorgon|i morgen"
    rf"|imorgen|jutro|huomenna)\b"
    rf"|\b\d{{1,2}}(?::|\.|h)\d\d\b(?! ?%)|\b\d{{1,2}} ?(?:a\.?m\.?|p\.?m\.?|h|hs|uhr|uur|oclock)\b|\b(?:at"
    rf"|around|about|after|before|by|until|till|til|between|from|um|gegen|ab|a las?|as|alle|om|kl|kl\.|o|vers"
    rf"|a) (?:\d{{1,2}}|half|noon|lunch|midday)\b(?! ?(?:%|years?|days?|weeks?|months?|min\w*|hours?|hrs?"
    rf"|people|locations|sites|other|of us|of my))"
    rf"|\b(?:noon|midday|midnight|half (?:past )?\w+|after lunch|over lunch|at lunch|lunch ?time)\b"
    rf"|\b(?:the )?\d{{1,2}}(?:st|nd|rd|th)\b|\bden \d{{1,2}}\b|\bam \d{{1,2}}\.|\b(?:{_MONTHS})\.? \d{{1,2}}\b"
    rf"|\b\d{{1,2}}\.? (?:de |of )?(?:{_MONTHS})\b|\b\d{{1,2}}[/.]\d{{1,2}}(?:[/.]\d{{2,4}})?\b"
    rf"|\bweek of (?:the )?\d|\b\d{{1,2}} ?- ?\d{{1,2}} ?(?:am|pm)\b|\b\d{{1,2}} instead of \d"
    rf"|\bin \d{{1,2}} ?(?:min|mins|minutes|hours?)\b|\b\d{{3,4}} (?:ok|good|works|ish)\b|\b(?:this"
    rf"|next) (?:{_DAYS})\b"
)
_CALL_NOW = Phrases(
    r"\b(?:right )?now\b|\basap\b|\bthis (?:evening|afternoon|morning)\b|\bjetzt\b|\bahora\b|\bmaintenant\b|\bnu\b"
)


def proposes_time(label: Label, text: str) -> bool:
    """The lead names a time for a meeting or call with us. Return dates and deferrals are none: their labels differ."""
    if label not in _MEETING:
        return False
    folded = fold(text, _READ_LIMIT)
    return bool(_TIME.search(folded)) or (label == "Call Requested" and bool(_CALL_NOW.search(folded)))
