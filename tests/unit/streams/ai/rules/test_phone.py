"""The lead's number is read as E.164, and other digits are not."""

import pytest

from streams.ai.rules.phone import find_phone

NUMBERS = (
    ("ring 312-555-0142", "+13125550142"),
    ("(312) 555-0142 ext. 7", "+13125550142"),
    ("Fax 312-555-0141, phone 312-555-0142", "+13125550142"),
    ("o 312.555.0142 | m 312.555.0143", "+13125550142"),
    ("+44 7700 900123", "+447700900123"),
    ("0044 7700 900123", "+447700900123"),
    ("Call 07700 900123", "+447700900123"),
    ("0491 570 156, I'm in Perth", "+61491570156"),
    ("Tel. 030 23125 118, viele Grüße aus Berlin", "+493023125118"),
    ("joignez-moi au 01 99 00 12 34", "+33199001234"),
    ("1-312-555-0142", "+13125550142"),
)


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_numbers(text: str, number: str) -> None:
    assert find_phone(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "call 911",
        "ticket #4821345678",
        "on 2026-03-20 at 10:30",
        "Fax: 312-555-0142",
        "30% of 250,000",
        "order 3125550142",
    ],
)
def test_other_digits(text: str) -> None:
    assert find_phone(text) is None
