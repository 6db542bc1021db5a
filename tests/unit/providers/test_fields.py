"""Tolerant reads: a wrong type is a missing value, and nothing unstorable gets through."""

import pytest

from headrace.providers import fields


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" a\0b ", "ab"),
        ("\ud800ok", "ok"),
        ("  ", None),
        (12, "12"),
        (12.0, "12"),
        (1.5, "1.5"),
        (True, None),
        (None, None),
        ([], None),
        (float("nan"), None),
        (10**400, None),
    ],
)
def test_text_is_a_string_or_number(value: object, expected: str | None) -> None:
    assert fields.text(value) == expected


def test_long_ids_become_hashes_and_stay_different() -> None:
    assert fields.identifier("x" * 512) == "x" * 512
    hashed = {fields.identifier("x" * 1000), fields.identifier("x" * 1001)}
    assert all(id_ is not None and len(id_) < 100 for id_ in hashed)
    assert len(hashed) == 2


@pytest.mark.parametrize(("value", "expected"), [(True, True), (1, True), ("true", True), ("1", True), (0, False)])
def test_flag(value: object, expected: bool) -> None:
    assert fields.flag(value) is expected


@pytest.mark.parametrize("value", [False, None, "no", [], {}, 2, "false"])
def test_everything_else_is_no_flag(value: object) -> None:
    assert fields.flag(value) is False


def test_paths_end_where_the_objects_do() -> None:
    payload = {"a": {"b": {"c": 1}}, "s": "text", "l": [1]}
    assert fields.first_text(payload, "s.b", "l.0", "a.b", "a.b.c") == "1"
    assert fields.first_text(payload, "missing.path") is None


def test_event_names_are_printable_and_short() -> None:
    assert fields.event_name("EMAIL\u0007_\nSENT" + "x" * 200) == ("EMAIL_SENT" + "x" * 200)[:78]


def test_fingerprints_ignore_key_order_but_not_structure_or_type() -> None:
    assert fields.fingerprint({"a": 1, "b": [1, 2]}) == fields.fingerprint({"b": [1, 2], "a": 1})
    different = [{"a": 1}, {"a": "1"}, {"a": True}, {"a": [1]}, {"a": {"1": None}}, [["a", 1]], {"a": 1, "b": None}]
    assert len({fields.fingerprint(value) for value in different}) == len(different)
    assert fields.fingerprint([[1], 2]) != fields.fingerprint([[1, 2]])
