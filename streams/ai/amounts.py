"""Reads amounts of money, percentages and other numbers out of a text, spelled in figures or in words."""

import re

_AMOUNT = r"(?<!\d)(?<!\d[.,\u2019'])\d++(?:[.,\u2019']\d++)*+"
_SIGN = r"(?:[$€£¥₹₽₺₩]|\b(?:USD|EUR|GBP|CHF|AUD|CAD|US\$|dollars?|euros?|pounds?|francs?|bucks|cents?|quid|grand)\b)"
# By their first letters, spelled so that the matcher tells at once which branch to take; of two words that begin alike
# the longer one first. With that, no word of an amount is ever given back: what follows is a sign, and the only sign
# that begins like a word is AUD.
_WORD = (
    r"(?:(?-i:[aA])(?!ud\b)|(?-i:[oO])ne|(?-i:[tT])(?:wo|hree|en|welve|wenty|hirty|housand)"
    r"|(?-i:[fF])(?:our|ive|ifteen|orty|ifty)|(?-i:[sS\u017f])(?:ixty|eventy|ix|even)|(?-i:[eE])(?:ighty|ight|leven)"
    r"|(?-i:[nN])(?:inety|ine)|(?-i:[hH])(?:undred|alf)|(?-i:[mM])illion)"
)
_WORD_AMOUNT = rf"\b(?:{_WORD}[\s-]?){{1,6}}+"
MONEY = re.compile(
    rf"{_SIGN}\s?(?P<a>{_AMOUNT})\s?[kKmM]?\b|(?P<b>{_AMOUNT})\s?[kKmM]?\s?{_SIGN}|(?P<w>{_WORD_AMOUNT})\s?{_SIGN}",
    re.IGNORECASE,
)
PERCENT = re.compile(
    rf"(?P<a>{_AMOUNT})\s?(?:%|percent\b|per cent\b|prozent\b|pct\b)|(?P<w>{_WORD_AMOUNT})\s?(?:%|percent\b"
    rf"|per cent\b)",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"(?<![\w.,]){_AMOUNT}(?:st|nd|rd|th)?(?![\w])")


def values(pattern: re.Pattern[str], text: str) -> set[str]:
    """The amounts that MONEY or PERCENT finds, each in its one spelling."""
    found = (match.groupdict() for match in pattern.finditer(text))
    return set(map(_normal_number, {groups.get("a") or groups.get("b") or groups["w"] for groups in found}))


def plain_numbers(text: str) -> set[str]:
    """All numbers in figures, each in its one spelling."""
    return set(map(_normal_number, set(_NUMBER.findall(text))))


def _normal_number(text: str) -> str:
    """`1,000.50` and `1.000,50` are the same number; so are `5th` and `5`."""
    bare = re.sub(r"(?:st|nd|rd|th)$", "", text.strip().lower())
    if not bare[:1].isdigit():
        return " ".join(bare.split())
    whole, _, decimals = re.sub(r"[,\u2019']", ".", bare).rpartition(".")
    if not whole:
        return decimals.lstrip("0") or "0"
    is_fraction = len(decimals) != 3
    digits = whole.replace(".", "") + ("" if is_fraction else decimals)
    return (digits.lstrip("0") or "0") + (f".{decimals}".rstrip("0").rstrip(".") if is_fraction else "")
