"""How many segments a text message takes: GSM 03.38 where every character fits, UCS-2 otherwise (3GPP TS 23.038)."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These take two places.
_EXTENDED = frozenset("\f^{}\\[~]|€")


def sms_segments(text: str) -> int:
    """Segments of the message; 0 for an empty one."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        length = len(text) + sum(character in _EXTENDED for character in text)
        alone, joined = 160, 153
    else:
        length = len(text.encode("utf-16-be", "surrogatepass")) // 2
        alone, joined = 70, 67
    return (length > 0) if length <= alone else -(-length // joined)
