"""No secret is ever shown, whoever wrote it."""

import json
from typing import Any

import pytest

from operations.records.redaction import HIDDEN, shown_bytes, shown_headers, without_secrets

SECRET = "k3y-zebra"


@pytest.mark.parametrize(
    "body",
    [
        {"secret_key": SECRET, "event": "EMAIL_REPLY"},
        {"a": [{"Api-Key": SECRET}]},
        {"headers": {"Authorization": f"Bearer {SECRET}"}},
        {"webhook_url": f"https://x.example/hook?workspace=acme&secret={SECRET}&v=1"},
        {"note": f"use Bearer {SECRET} for it"},
        {"access_token": SECRET},
        {"webhookSignature": SECRET},
        {"raw": json.dumps({"secret": SECRET})},
        {"s\\u0065cret": SECRET},
        {"encrypted_secrets": [SECRET]},
        {"password": 4711},
    ],
)
def test_secrets_in_json_are_hidden(body: dict[str, Any]) -> None:
    shown = shown_bytes(json.dumps(body).replace("\\\\u", "\\u").encode())
    assert SECRET not in shown
    assert "4711" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "body",
    [
        f"secret={SECRET}&event=reply",
        f"event=reply&api_key={SECRET}",
        f'{{"event": 1, "secret_key": "{SECRET}"',
        f"{{'secret': '{SECRET}', broken",
        f"authorization: Bearer {SECRET}",
    ],
)
def test_secrets_in_what_is_no_json_are_hidden(body: str) -> None:
    shown = shown_bytes(body.encode())
    assert SECRET not in shown
    assert HIDDEN in shown


def test_what_holds_no_secret_is_shown_as_it_came() -> None:
    body = b'{ "message": {"body": "Yes"},\n "count": 3, "input_tokens": 12, "sig": null }'
    assert shown_bytes(body) == body.decode()
    assert shown_bytes(b"\xff\x00") == "\ufffd\x00"
    deep = b"[" * 700 + b"]" * 700
    assert shown_bytes(deep) == deep.decode()


def test_headers_are_shown_without_secrets() -> None:
    headers = [
        ("ce_id", b"1"),
        ("authorization", b"Bearer " + SECRET.encode()),
        ("x-headrace-secret", SECRET.encode()),
        ("ce_query", json.dumps({"workspace": "acme", "token": SECRET}).encode()),
        ("dlq_attempts", b"3"),
    ]
    shown = shown_headers(headers)
    assert SECRET not in json.dumps(shown)
    assert (shown["ce_id"], shown["dlq_attempts"]) == ("1", "3")
    assert "acme" in shown["ce_query"]


def test_counts_of_tokens_are_no_secrets() -> None:
    assert without_secrets({"input_tokens": 3, "cached_tokens": 0}) == {"input_tokens": 3, "cached_tokens": 0}
