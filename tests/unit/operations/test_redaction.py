"""No secret is ever shown, and no message text unless it was asked for."""

import json
import re
from typing import Any, get_type_hints

import msgspec
import pytest

from headrace.events.codec import EVENT_TYPES
from operations.records.redaction import HIDDEN, TEXT_FIELDS, shown_bytes, shown_headers, without_secrets, without_texts
from streams.ai.answers import Answer

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


def test_texts_are_replaced_by_their_length_wherever_they_stand() -> None:
    event = {"text": "Yes", "messages": [{"body": "No", "html": None}], "result": {"body": "Hi"}, "label": "Neutral"}
    assert without_texts(event) == {
        "text": {"characters": 3},
        "messages": [{"body": {"characters": 2}, "html": None}],
        "result": {"body": {"characters": 2}},
        "label": "Neutral",
    }


#: String fields of events that hold ids, codes, names, addresses and times, but nothing that somebody wrote.
PLAIN_FIELDS = frozenset(
    re.findall(
        r"\w+",
        """
        account address ai answered_label api billing by cancelled_by channel clock company
        company_linkedin_url contains_phone conversation_id decided_by decision dedupe_key direction
        draft_id email ends_job error error_class evidence feature finish first_name first_receipt_id
        from_lead_id id into_lead_id job_id job_type kind label label_message_id last_name lead_id letter_id
        linkedin_url message_id model name new_lead_id open_work paused_by phone precision previous_label
        price_version process process_id
        prompt_key prompt_sha256 proposed provider provider_event provider_message_id reason receipt_id
        request_id requested_by response_id response_mode resumed_by route rule run_id signal skipped source
        source_topic stage status step structure suppressed_reason timezone title topic trace_id type usage_source value
        verdict words_sha256 worker workspace
        """,
    )
)


def _string_fields(cls: Any, seen: set[Any]) -> set[str]:
    """Names of fields that may hold a string, in the class and the structs in it."""
    if cls in seen:
        return set()
    seen.add(cls)
    found: set[str] = set()
    for name, hint in get_type_hints(cls).items():
        found |= {name} if "str" in str(hint) or "Literal['" in str(hint) else set()
        for inner in msgspec.inspect.multi_type_info([hint]):
            found |= {n for struct in _structs(inner) for n in _string_fields(struct, seen)}
    return found


def _is_text(hint: Any) -> bool:
    return "str" in str(hint).replace("typing.", "")


def _structs(info: Any) -> list[Any]:
    if isinstance(info, msgspec.inspect.StructType):
        return [info.cls]
    parts = [getattr(info, name, None) for name in ("item_type", "value_type")] + list(getattr(info, "types", ()))
    parts += list(getattr(info, "item_types", ()))
    return [struct for part in parts if part is not None for struct in _structs(part)]


def test_every_string_of_every_event_was_judged() -> None:
    """A new field of an event that holds text has to be named in TEXT_FIELDS, any other here."""
    seen: set[Any] = set()
    fields = {name for cls, _ in EVENT_TYPES.values() for name in _string_fields(cls, seen)}
    # The workspace's own file, and collections of codes.
    settings = set().union(
        *(set(cls.__struct_fields__) for cls in seen if cls.__module__ == "headrace.events.workspaces")
    )
    collections = {
        "message_ids",
        "apart_from",
        "reasons",
        "failed_checks",
        "alternate_emails",
        "reply_context",
        "result",
    }
    # What models answered, by the schemas of their answers.
    fields |= {name for cls in Answer.__subclasses__() for name, hint in get_type_hints(cls).items() if _is_text(hint)}
    assert fields - TEXT_FIELDS - PLAIN_FIELDS - settings - collections == set()
