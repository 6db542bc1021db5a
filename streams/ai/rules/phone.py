"""Reads the lead's phone number out of a message, as E.164."""

import re
from collections.abc import Iterator
from itertools import islice

import phonenumbers

from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold

#: Numbers stand in the message or in the signature below it.
_READ_LIMIT = 4_000
#: Numbers that are looked at: each is tried as one of every country that the message names.
_MOST_NUMBERS = 12
_DIGIT_RUN = re.compile(r"\d(?:[ ().\-/\u2013]{0,3}\d){6}")
_CANDIDATE = re.compile(r"(?<![\w@#./:-])(?:\+|00|\()?\d(?:[ ().\-/\u2013\u00a0]{0,3}\d){6,14}(?![\w@]|[.:/-]\d)")
_FAX = re.compile(r"\b(?:tele)?fax(?:nr|nummer|number|no)?\.?\s{0,3}:?\s{0,3}$|\bf\s?[:.]\s{0,3}$", re.IGNORECASE)
_NOT_A_PHONE = re.compile(
    r"(?:#|\b(?:ticket|case|ref(?:erence)?|order|invoice|po|number|nr|no|id|vorgangsnummer|siret|iban|vat|kvk"
    r"|nip|account|booking|claim|policy)\b\s?(?:number|no|nr|id|#)?\.?\s?[:#]?\s?)$",
    re.IGNORECASE,
)
#: Country and city words, and words that only one language has, by the region whose national numbers they announce.
_REGIONS: dict[str, str] = {
    "GB": (
        r"uk|u\.k\.|united kingdom|england|scotland|wales|london|manchester|birmingham|leeds|bristol|glasgow"
        r"|edinburgh|cardiff|liverpool|sheffield|belfast"
    ),
    "AU": r"australia|sydney|melbourne|brisbane|perth|adelaide|canberra|hobart|nsw|queensland",
    "NZ": r"new zealand|auckland|wellington|christchurch",
    "IE": r"ireland|dublin|cork|galway|limerick",
    "IN": r"india|mumbai|delhi|bangalore|bengaluru|hyderabad|chennai|pune|kolkata",
    "ZA": r"south africa|johannesburg|cape town|durban|pretoria",
    "SG": r"singapore",
    "AE": r"dubai|abu dhabi|uae",
    "AT": r"osterreich|austria|wien|vienna|graz|linz|salzburg|innsbruck",
    "CH": r"schweiz|switzerland|suisse|zurich|genf|geneve|geneva|basel|bern|lausanne",
    "DE": (
        r"deutschland|germany|berlin|munchen|munich|hamburg|koln|frankfurt|stuttgart|dusseldorf|leipzig|bitte"
        r"|grusse|grussen|gruss|rufen|ruckruf|vormittags|nachmittag|ich bin|leiter|geschaftsfuhrer|ich|und|nicht"
        r"|wir|sehr geehrte|vertretung"
    ),
    "BE": r"belgie|belgique|belgium|bruxelles|brussel|brussels|antwerpen|gent|gand|liege",
    "FR": (
        r"france|paris|lyon|marseille|toulouse|bordeaux|lille|nantes|joignez|mon numero|svp|au 0|cordialement"
        r"|bonjour|merci|appelez|rappelez"
        r"|joindre|telephone au|je|vous|nous"
    ),
    "NL": (
        r"nederland|netherlands|amsterdam|rotterdam|utrecht|den haag|eindhoven|groet|groeten|bel mij|bel me|bellen"
        r"|graag|ik|niet|voor"
    ),
    "ES": (
        r"espana|spain|madrid|barcelona|valencia|sevilla|bilbao|zaragoza|llameme|llamame|llamarme|saludos"
        r"|un saludo|para|puede|estoy"
    ),
    "MX": r"mexico|cdmx|monterrey|guadalajara|puebla",
    "BR": r"brasil|brazil|sao paulo|rio de janeiro|belo horizonte|curitiba|liga pra|me liga|ligue para",
    "PT": r"portugal|lisboa|lisbon|porto|ligue-me",
    "IT": r"italia|italy|milano|milan|roma|rome|torino|napoli|bologna|mi chiami|chiamami|saluti|buongiorno",
    "PL": r"polska|poland|warszawa|warsaw|krakow|wroclaw|poznan|gdansk|lodz|prosze|pozdrawiam|telefon pod|jestem|nie",
    "SE": r"sverige|sweden|stockholm|goteborg|gothenburg|malmo|uppsala|ring mig|halsningar|hej|jag|pa",
    "NO": r"norge|norway|oslo|bergen|trondheim|stavanger|ring meg|hilsen",
    "DK": r"danmark|denmark|kobenhavn|copenhagen|aarhus|odense|venlig hilsen",
    "FI": r"suomi|finland|helsinki|tampere|turku|espoo|terveisin",
}
_REGION_WORDS = {region: Phrases(rf"\b(?:{words})\b") for region, words in _REGIONS.items()}
_NATIONAL_TRUNK = "0"


def find_phone(text: str) -> str | None:
    """The first number that is no fax, as E.164 and without its extension; a ten-digit one is North American."""
    text = text[:_READ_LIMIT]
    if not _DIGIT_RUN.search(text):
        return None
    regions = list(_regions_of(fold(text)))
    for match in islice(_CANDIDATE.finditer(text), _MOST_NUMBERS):
        before = text[max(0, match.start() - 20) : match.start()]
        if _FAX.search(before) or _NOT_A_PHONE.search(before):
            continue
        if found := _parsed(match.group(), regions):
            return found
    return None


def _regions_of(folded: str) -> Iterator[str]:
    return (region for region, words in _REGION_WORDS.items() if words.search(folded))


def _parsed(candidate: str, regions: list[str]) -> str | None:
    digits = re.sub(r"\D", "", candidate)
    if candidate.startswith(("+", "00")):
        return _e164("+" + digits.lstrip("0"), None)
    if digits.startswith(_NATIONAL_TRUNK):
        return next((found for region in [*regions, "GB"] if (found := _e164(digits, region))), None)
    if len(digits) == 11 and digits.startswith("1"):
        return _e164("+" + digits, None)
    national = next((found for region in regions if region not in _TRUNKED and (found := _e164(digits, region))), None)
    if national:
        return national
    return _e164(digits, "US") if len(digits) == 10 else None


#: There a national number without its leading zero is none.
_TRUNKED = frozenset({"GB", "AU", "NZ", "IE", "ZA", "AT", "CH", "DE", "BE", "FR", "NL", "SE", "FI", "AE"})


_LENIENT = frozenset({"US", "DE", "GB", "AU", "FR", None})
_NATIONAL_DIGITS = 10


def _e164(number: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    # Ranges kept for examples and new ones are possible, not yet valid; elsewhere that would let dates and sums pass.
    lenient = region in _LENIENT and len(number) >= _NATIONAL_DIGITS and phonenumbers.is_possible_number(parsed)
    if not phonenumbers.is_valid_number(parsed) and not lenient:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
