"""In which time zone a lead's times are meant, and how we know."""

import re

import phonenumbers
from phonenumbers import timezone

from headrace.events.enrichments import TimeZone
from streams.ai.dates.zones import NAMES, SHORT
from streams.ai.phrases import Phrases
from streams.jobs.step import StepContext
from streams.jobs.steps.verdict import Verdict

_NAMED = tuple((zone, Phrases(rf"\b(?:{words})\b")) for zone, words in NAMES.items())
#: ET and its like are words of other languages, except behind a time of day.
_SHORT = re.compile(r"\d\s?(?:[ap]\.?m\.?)?\s?(ET|CT|MT|PT)\b")
#: Top-level domains of countries with one zone, or with one where nearly all of their people live.
_COUNTRY_ZONES = {
    "at": "Europe/Vienna",
    "be": "Europe/Brussels",
    "ch": "Europe/Zurich",
    "cz": "Europe/Prague",
    "de": "Europe/Berlin",
    "dk": "Europe/Copenhagen",
    "es": "Europe/Madrid",
    "fi": "Europe/Helsinki",
    "fr": "Europe/Paris",
    "ie": "Europe/Dublin",
    "in": "Asia/Kolkata",
    "it": "Europe/Rome",
    "jp": "Asia/Tokyo",
    "nl": "Europe/Amsterdam",
    "no": "Europe/Oslo",
    "nz": "Pacific/Auckland",
    "pl": "Europe/Warsaw",
    "pt": "Europe/Lisbon",
    "se": "Europe/Stockholm",
    "sg": "Asia/Singapore",
    "uk": "Europe/London",
    "za": "Africa/Johannesburg",
}


async def lead_zone(context: StepContext, verdict: Verdict) -> TimeZone:
    """The lead's words tell best, then its phone number, then the country of its address, else the workspace."""
    job = context.job
    if named := await context.read(zone_in, job.message.text):
        return TimeZone(name=named, evidence="text")
    phones = (verdict.contains_phone, job.lead.phone if job.lead is not None else None)
    if dialled := next((zone for phone in phones if phone and (zone := _zone_of_phone(phone))), None):
        return TimeZone(name=dialled, evidence="phone")
    email = job.lead.email if job.lead is not None else None
    if email and (country := _COUNTRY_ZONES.get(email.rpartition(".")[2])):
        return TimeZone(name=country, evidence="country")
    return TimeZone(name=context.workspace.timezone, evidence="workspace")


def zone_in(text: str) -> str | None:
    """The zone that the text names, if it names one."""
    if match := _SHORT.search(text):
        return SHORT[match[1]]
    named = [zone for zone, words in _NAMED if words.search(text)]
    return named[0] if len(named) == 1 else None


def _zone_of_phone(phone: str) -> str | None:
    """Only where the number leaves no choice: mobile numbers of large countries and free numbers say nothing."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None
    return zones[0] if len(zones) == 1 and zones[0] != timezone.UNKNOWN_TIMEZONE else None
