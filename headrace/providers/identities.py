"""Normalises the ways to recognise a person, so that equal people have equal values."""

import re
from itertools import islice
from urllib.parse import unquote

import phonenumbers

from headrace.events.inbox import MATCH_ORDER, Address, Identity, IdentityKind
from headrace.providers.fields import identifier, items, text

_LONGEST_EMAIL = 320
_LONGEST_PHONE = 40
_ADDRESS_LETTER = r"[^\s@<>()\[\],:;\"\\]"
_EMAIL = re.compile(rf"{_ADDRESS_LETTER}{{1,64}}@{_ADDRESS_LETTER}[^\s@<>()\[\],:;\"\\.]*+\.{_ADDRESS_LETTER}++")
#: LinkedIn's own limit is 100; percent-encoded, a character of a slug is up to twelve.
_LONGEST_SLUG = 1_200
#: A link stands near the beginning of its field, if the field is one.
_LONGEST_LINK_FIELD = 16_384
#: One character more than a slug may have: a longer one is no slug, and its beginning would be somebody else's.
_SLUG = rf"([^/?#\s\"'<>]{{1,{_LONGEST_SLUG + 1}}})"
_PROFILE = re.compile(r"linkedin\.com/(?:mwlite/)?(?:in|pub)/" + _SLUG, re.IGNORECASE)
_COMPANY = re.compile(r"linkedin\.com/(?:company|school|showcase)/" + _SLUG, re.IGNORECASE)
#: Of a list: nobody writes to more people at once but a mailing list. What is longer is read so far.
_MOST_ADDRESSES = 51
_LONGEST_ADDRESS_LIST = 65_536
_MOST_ADDRESS_PARTS = 1_000
#: Profile links may carry the member id in place of the slug; it is case-sensitive.
_MEMBER_ID = re.compile(r"AC[ow]AA[\w-]+", re.ASCII)


def email(value: object) -> str | None:
    """The lower-cased address in `a@b.c`, `<a@b.c>`, `Name <a@b.c>` or `mailto:a@b.c`."""
    found = address(value)
    return found.address if found else None


def address(value: object, name: object = None) -> Address | None:
    """An e-mail address with its display name, from a string or an object with `address` or `email`."""
    if isinstance(value, dict):
        return address(value.get("address") or value.get("email"), value.get("name") or name)
    spelled = text(value)
    if spelled is None or len(spelled) > 3 * _LONGEST_EMAIL:
        return None
    display, bracket, rest = spelled.rpartition("<")
    bare = (rest.partition(">")[0] if bracket else spelled).strip().removeprefix("mailto:").lower()
    if len(bare) > _LONGEST_EMAIL or not _EMAIL.fullmatch(bare):
        return None
    return Address(address=bare, name=text(name) or display.strip().strip("\"'").strip() or None)


def addresses(value: object) -> tuple[Address, ...]:
    """A list of addresses, or one string of them separated by commas or semicolons; unreadable ones are left out.

    One more than an event keeps, so that whoever caps it sees that there are more.
    """
    listed = _listed(value) if isinstance(value, str) else items(value) or [value]
    found: dict[str, Address] = {}
    for part in islice(listed, _MOST_ADDRESS_PARTS):
        if one := address(part):
            found[one.address] = one
        if len(found) == _MOST_ADDRESSES:
            break
    return tuple(found.values())


def _listed(value: str) -> list[str]:
    """The parts of a list. Where it is cut, the last part is left out: half an address may be another's."""
    parts = re.split(r"[,;]", value[:_LONGEST_ADDRESS_LIST])
    return parts[:-1] if len(value) > _LONGEST_ADDRESS_LIST else parts


def phone(value: object) -> str | None:
    """A phone number in E.164; one without a country code is read as North American first, then as international."""
    spelled = text(value)
    if spelled is None or len(spelled) > _LONGEST_PHONE:
        return None
    digits = re.sub(r"[^0-9]", "", spelled)
    if spelled.startswith(("+", "00")):
        return _e164("+" + digits.removeprefix("00"), None, phonenumbers.is_possible_number)
    return _e164(digits, "US", phonenumbers.is_valid_number) or _e164("+" + digits, None, phonenumbers.is_valid_number)


def linkedin(value: object) -> Identity | None:
    """The identity in a LinkedIn profile link: member id or lower-cased slug. A company link identifies nobody."""
    slug = _slug(_PROFILE, value)
    if slug is None:
        return None
    if _MEMBER_ID.fullmatch(slug):
        return Identity(kind="linkedin_id", value=slug)
    return Identity(kind="linkedin_slug", value=slug.lower())


def profile_url(value: object) -> str | None:
    """The value when it holds a LinkedIn profile link, spelled one way."""
    identity = linkedin(value)
    return f"https://www.linkedin.com/in/{identity.value}" if identity else None


def company_url(value: object) -> str | None:
    """The value when it holds a LinkedIn company link, spelled one way."""
    slug = _slug(_COMPANY, value)
    return f"https://www.linkedin.com/company/{slug.lower()}" if slug else None


def _slug(link: re.Pattern[str], value: object) -> str | None:
    match = link.search((text(value) or "")[:_LONGEST_LINK_FIELD])
    if match is None or len(match.group(1)) > _LONGEST_SLUG or match.end() == _LONGEST_LINK_FIELD:
        # Too long, or cut in the middle: what is left of it is another's.
        return None
    return text(unquote(match.group(1)))


def identities(*found: Identity | None) -> tuple[Identity, ...]:
    """Without blanks and repeats, in match order; the lead's own before aliases."""
    unique: dict[tuple[str, str], Identity] = {}
    for one in sorted((i for i in found if i), key=lambda i: (MATCH_ORDER.index(i.kind), i.alias)):
        unique.setdefault((one.kind, one.value), one)
    return tuple(unique.values())


def identity(kind: IdentityKind, value: object, *, alias: bool = False) -> Identity | None:
    """An identity of a kind from a raw value, normalised as that kind is; None when the value is unusable."""
    normalised = _NORMALISERS.get(kind, identifier)(value)
    return Identity(kind=kind, value=normalised, alias=alias) if normalised else None


def split_name(value: object) -> tuple[str | None, str | None]:
    """First and last name of a full name; an address is no name."""
    spelled = text(value)
    if spelled is None or "@" in spelled:
        return None, None
    last, comma, first = spelled.partition(",")
    if not comma:
        first, _, last = " ".join(spelled.split()).partition(" ")
    return first.strip() or None, last.strip() or None


def full_name(*parts: str | None) -> str | None:
    """The known parts of a name, in their order."""
    return " ".join(filter(None, parts)) or None


def _e164(number: str, region: str | None, accepts: object) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not callable(accepts) or not accepts(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


_NORMALISERS = {"email": email, "phone": phone}
