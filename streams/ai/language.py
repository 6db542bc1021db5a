"""Guesses the language of a short message by its function words, and stays silent when it can't tell.

Trained detectors guess on three words too, and a wrong guess blocks a good draft; here no evidence means None.
"""

import re
from collections import Counter
from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Frequent words. Some are shared; what counts is the lead of one language over all others.
_WORDS: Mapping[str, frozenset[str]] = {
    "en": _words(
        "the and you your we are is this that with for have what when please thanks thank would could not can "
        "let know my our it on of yes how do does i'm it's don't i'll send more too much call me to be was "
        "will they who in any"
    ),
    "de": _words(
        "der die das und sie ich nicht ist wir mit für bitte danke uns ihre ihr ihnen auch auf ein eine einen "
        "zu von dem den haben kein keine guten grüße gerne wäre passt ihren mich rufen vielen tag herr frau"
    ),
    "fr": _words(
        "le la les des et vous nous je ne pas est une pour avec merci votre vos dans mais bonjour ce cette "
        "sur suis êtes pourriez cordialement oui moi m'envoyer j'ai c'est n'est au mon"
    ),
    "es": _words(
        "el la los las y usted nosotros yo está una para con gracias por favor su sus pero hola ese este "
        "sobre soy podemos puede claro me interesa qué cuándo estaré fuera también de del es no si hablar"
    ),
    "nl": _words(
        "het een en ik niet wij met voor bedankt uw jullie ook op van zijn geen graag groet mijn kunt u ben mail de"
    ),
    "pt": _words(
        "os uma você nós não com obrigado obrigada seu sua mas olá isso sobre podemos pode qual quando para me em"
    ),
    "it": _words("il gli una voi noi non è con grazie suo ma ciao questo sono possiamo quando che per di la le"),
}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_OTHER_SCRIPT = re.compile(
    r"[\u0370-\u03ff\u0400-\u04ff\u0590-\u05ff\u0600-\u06ff\u0900-\u097f\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
)


def language_of(text: str) -> str | None:
    """An ISO 639-1 code, `other` for another script, None when the text says too little.

    Needs two words of one language more than of any other.
    """
    others = len(_OTHER_SCRIPT.findall(text))
    if others and others * 2 > sum(map(str.isalpha, text)) > 0:
        return "other"
    words = Counter(map(str.lower, _WORD.findall(text.replace("\u2019", "'"))))
    votes = sorted(((sum(words.get(word, 0) for word in known), code) for code, known in _WORDS.items()), reverse=True)
    (best, code), (second, _) = votes[0], votes[1]
    return code if best >= second + 2 else None
