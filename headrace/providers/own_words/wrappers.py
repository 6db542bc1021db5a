"""Recognises `Sent from my iPhone` in every language by its words: a sentence that begins so has others."""

import re
from collections.abc import Iterator

from headrace.providers.own_words.languages import FILLER, GET, SENT, is_spaced
from headrace.providers.own_words.lines import Line

LONGEST_WRAPPER = 160
_MOST_WORDS = 22
_LINK = re.compile(
    r"[<(\[] {0,2}(?:https?://|mailto:|www\.)[^<>()\[\]]{0,300}[>)\]]|https?://\S{1,300}|\bwww\.\S{1,100}"
)
_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f\u0900-\u0dff'-]+[^\W_]*)*")
_JOINT = re.compile(r"['-]")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u2e80-\uffff]+")
#: Programs, makers and kinds of devices, by how the word begins; other languages decline them.
_DEVICES = (
    "iphone", "ipad", "ipod", "android", "samsung", "galaxy", "outlook", "gmail", "yahoo", "proton", "blackberry",
    "huawei", "xiaomi", "redmi", "pixel", "oneplus", "xperia", "motorola", "nokia", "windows", "thunderbird", "spark",
    "superhuman", "airmail", "fairemail", "zoho", "yandex", "tutanota", "tuta", "fastmail", "mailspring", "aol", "gmx",
    "bluemail", "smartphone", "mobile", "phone", "tablet", "htc", "canary", "mailbird", "naver", "qqmail", "foxmail",
    "ios", "macbook", "oppo", "vivo", "realme", "honor", "handy", "mobiltelefon", "яндекс", "айфон", "mail.ru",
    "telefon", "téléphone", "teléfono", "telefono", "telefone", "telefoon", "puhelim", "celular", "cellulare", "móvil",
    "vivaldi", "handset", "k-9", "k9", "web.de", "edison", "newton", "hey", "polymail", "mailsuite", "streak",
    "boomerang",
    "surface", "nextcloud", "mailmate", "postbox", "sogo", "roundcube", "orange", "laposte", "libero", "seznam",
    "onet", "interia", "rambler", "docomo", "hotmail", "iphonu", "смартфон", "телефон", "telefonu", "mailbox",
)  # fmt: skip
_MODELS = frozenset({
    "mini", "pro", "max", "plus", "ultra", "note", "air", "lite", "fold", "flip", "edge", "play", "nova", "mate",
    "active", "neo", "mix", "ace", "se", "fe", "cell", "tab",
})  # fmt: skip
#: The same where words are written without spaces between them.
_UNSPACED_DEVICES = (
    "手机", "手機", "企业微信", "邮箱大师", "邮箱", "小米", "华为", "荣耀", "스마트폰", "네이버", "휴대폰", "갤럭시",
    "携帯", "スマートフォン", "网易", "飞书", "钉钉", "โทรศัพท์", "아이폰", "微信", "信箱", "ヤフー",
)  # fmt: skip
#: What is fetched, not sent from: `get Outlook for iOS`.
_APPS = ("outlook", "aol", "bluemail", "spark", "yahoo", "proton", "gmail", "mailbird", "canary", "edison", "hey")
_GLUED = tuple(sorted((word for word in SENT | FILLER | GET if not is_spaced(word)), key=len, reverse=True))
_GLUED_SENT = tuple(word for word in SENT if not is_spaced(word))
_SENT_WORDS = frozenset(word for phrase in SENT if is_spaced(phrase) for word in phrase.split())
_GET_WORDS = frozenset(word for phrase in GET if is_spaced(phrase) for word in phrase.split())
_GLUED_GET = tuple(word for word in GET if not is_spaced(word))
_KNOWN = FILLER | _SENT_WORDS | _GET_WORDS | {"e", "mail", "email", "s"}
_MOST_UNKNOWN_LETTERS = 2
_SHORTEST_ADVERTISEMENT = 4


def is_wrapper(line: Line) -> bool:
    """True for a device's or program's name, a word for sending or getting, and nothing else that means something."""
    if len(line.text) > LONGEST_WRAPPER + 300 or not line.seen or line.seen.endswith("?"):
        return False
    has_link = "://" in line.seen or "www." in line.seen
    text = _LINK.sub(" ", line.seen)
    if len(text) > LONGEST_WRAPPER:
        return False
    words = list(_words(text))
    return len(words) <= _MOST_WORDS and _is_sent_from(text, words, has_link=has_link)


def _is_sent_from(text: str, words: list[str], *, has_link: bool) -> bool:
    glued = "".join(_UNSPACED.findall(text))
    sent = not _SENT_WORDS.isdisjoint(words) or (bool(glued) and any(word in glued for word in _GLUED_SENT))
    got = not _GET_WORDS.isdisjoint(words) or (bool(glued) and any(word in glued for word in _GLUED_GET))
    if not sent and not got:
        return False
    devices = [word for word in words if _is_device(word)]
    others = [word for word in words if not _is_device(word) and not all(map(_says_nothing, _JOINT.split(word)))]
    unknown = len(_without_known(glued)) if glued else 0
    is_named = any(word.startswith(_APPS) for word in words)
    if others:
        # A program nobody listed, with a link to it: `Sent via Example Mail (https://…)`.
        is_linked = has_link and len(others) <= 2 and words[0] in _SENT_WORDS and len(words) <= 5
        # A word nobody listed, in a program's advertisement: `Sent with the safe e-mail of Proton Mail`.
        is_advertised = is_named and len(others) == 1 and len(words) >= _SHORTEST_ADVERTISEMENT and "," not in text
        is_last = words[-1] in others
        return not unknown and (is_linked or (is_advertised and (sent or (got and has_link)) and not is_last))
    has_device = bool(devices) or any(device in glued for device in _UNSPACED_DEVICES)
    fetches = got and is_named
    return has_device and (sent or fetches) and unknown <= _MOST_UNKNOWN_LETTERS


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(_UNSPACED.sub(" ", text)):
        yield match.group()


def _is_device(word: str) -> bool:
    return word.startswith(_DEVICES) or any(part.startswith(_DEVICES) for part in _JOINT.split(word))


def _says_nothing(word: str) -> bool:
    """A word that such lines have, or a model's: `Pro`, `G998B`, `S21`."""
    is_model = word in _MODELS or any(char.isdigit() for char in word) or len(word) < 2
    return is_model or word in _KNOWN or _is_device(word)


def _without_known(glued: str) -> str:
    for word in (*_UNSPACED_DEVICES, *_GLUED):
        glued = glued.replace(word, "")
    return "".join(char for char in glued if char.isalpha())
