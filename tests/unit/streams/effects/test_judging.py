"""What an answer means where no sandbox would give it."""

import httpx
import msgspec
import pytest

from headrace.events.providers import PROVIDERS
from streams.effects.clients import emailbison, ghl, instantly, smartlead, unipile
from streams.effects.clients.account import segment
from streams.effects.clients.allowances import Allowances, Standing, as_seconds
from streams.effects.clients.calling import Answer
from streams.effects.clients.judging import Dialect, judge
from streams.effects.outcome import AccountHeld, Outcome, RateLimited, Refused, Unknown

DIALECTS = {
    "ghl": ghl._DIALECT,
    "unipile": unipile._DIALECT,
    "smartlead": smartlead._DIALECT,
    "instantly": instantly._DIALECT,
    "emailbison": emailbison._DIALECT,
}


def judged(provider: str, status: int, body: object, headers: dict[str, str] | None = None) -> Outcome:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return judge(Answer(status=status, headers=httpx.Headers(headers or {}), body=raw), DIALECTS[provider], ("hush",))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "status", [100, 204, 301, 302, 307, 400, 402, 408, 409, 413, 418, 422, 425, 499, 500, 503, 599]
)
def test_a_page_of_somebody_else_leaves_it_unknown(provider: str, status: int) -> None:
    """A proxy's or a gateway's: what is behind it may have done anything."""
    outcome = judged(provider, status, b"<html>hush</html>")
    if provider == "instantly" and status == 402:
        assert isinstance(outcome, AccountHeld)
    else:
        assert isinstance(outcome, Unknown)
    assert "hush" not in repr(outcome)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"true", b'"ok"', b"{}", b'{"id": null}', b'{"data": []}', b"\xff"]
)
def test_a_yes_that_does_not_say_what_was_done_is_unknown(provider: str, body: bytes) -> None:
    assert isinstance(judged(provider, 200, body), Unknown)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("ghl", {"statusCode": 400, "message": "hush: Missing phone number"}),
        ("unipile", {"status": 400, "type": "errors/invalid_parameters", "title": "hush"}),
        ("smartlead", {"error": "Invalid email_stats_id or campaign_id hush"}),
        ("instantly", {"statusCode": 400, "error": "Bad Request", "message": "hush"}),
        ("emailbison", {"data": {"success": False, "message": "hush"}}),
    ],
)
def test_a_refusal_in_its_own_shape_is_one_and_repeats_no_secret(provider: str, body: object) -> None:
    outcome = judged(provider, 400, body)
    assert isinstance(outcome, Refused)
    assert "hush" not in outcome.detail


@pytest.mark.parametrize(
    ("provider", "status", "body", "expected"),
    [
        ("ghl", 400, {"message": "Invalid country calling code"}, "invalid_phone"),
        ("ghl", 400, {"message": "Missing phone number"}, "missing_phone"),
        ("ghl", 422, {"message": ["type must be one of", "contactId"]}, "invalid"),
        ("unipile", 422, {"type": "errors/no_connection_with_recipient"}, "no_connection_with_recipient"),
        ("unipile", 422, {"type": "errors/insufficient_credits"}, "insufficient_credits"),
    ],
)
def test_refusals_have_a_type(provider: str, status: int, body: object, expected: str) -> None:
    outcome = judged(provider, status, body)
    assert isinstance(outcome, Refused)
    assert outcome.type == expected


def test_linkedins_own_throttling_pauses_the_account_for_a_day() -> None:
    for kind in ("cannot_resend_yet", "limit_exceeded"):
        assert judged("unipile", 422, {"type": f"errors/{kind}", "title": "x"}) == RateLimited(retry_after=86_400.0)
    # Over-use may also be answered with 500, and then it may have been sent.
    assert isinstance(judged("unipile", 500, {"type": "errors/provider_error"}), Unknown)


@pytest.mark.parametrize(
    ("provider", "status", "body"),
    [
        ("unipile", 403, {"type": "errors/account_restricted"}),
        ("instantly", 402, {"statusCode": 402, "error": "Payment Required", "message": "no paid plan"}),
        ("smartlead", 401, {"message": "API key is required."}),
        ("emailbison", 403, {"message": "Forbidden"}),
        ("ghl", 401, {"statusCode": 401, "message": "Invalid token: access token is invalid"}),
    ],
)
def test_who_is_not_let_in_is_held(provider: str, status: int, body: object) -> None:
    assert isinstance(judged(provider, status, body), AccountHeld)


@pytest.mark.parametrize(
    ("provider", "headers", "body", "seconds"),
    [
        ("smartlead", {}, {"error": {"code": "RATE_LIMIT_EXCEEDED", "message": "x", "retry_after": 30}}, 30.0),
        ("emailbison", {}, {"message": "x", "retry_after": 12}, 12.0),
        ("emailbison", {"retry-after": "5"}, {"message": "x", "retry_after": 12}, 5.0),
        ("ghl", {}, {"message": "Too many point in time searches"}, 30.0),
        ("ghl", {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, {"message": "x"}, 10.0),
        ("unipile", {"retry-after": "-3"}, {"type": "errors/too_many_requests"}, 86_400.0),
    ],
)
def test_when_to_come_back(provider: str, headers: dict[str, str], body: object, seconds: float) -> None:
    outcome = judged(provider, 429, body, headers)
    expected = None if provider == "unipile" else seconds
    assert outcome == RateLimited(retry_after=0.0 if provider == "unipile" else expected)


def test_an_error_inside_of_a_yes_is_unknown() -> None:
    inside = {"statusCode": 400, "error": "Bad Request", "message": "no", "id": "looks-like-one"}
    assert isinstance(judged("instantly", 200, inside), Unknown)
    assert isinstance(judged("smartlead", 200, {"ok": True, "error": "no"}), Unknown)
    assert isinstance(judged("emailbison", 200, {"data": {"success": False, "message": "no"}}), Unknown)


def test_a_quotation_is_cut_out_however_it_was_shortened() -> None:
    text = "Dear Pat, the price for your clinic is 1,200 dollars a month."
    body = {"statusCode": 400, "message": f"body '{text[5:40]}...' has 61 letters"}
    answer = Answer(status=400, headers=httpx.Headers(), body=msgspec.json.encode(body))
    outcome = judge(answer, DIALECTS["ghl"], (text,))
    assert isinstance(outcome, Refused)
    assert outcome.detail == "body '...' has 61 letters"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), (7, 7.0), ("1e9", 86_400.0), ("-1", 0.0), ("nan", None), ("soon", None), (None, None), (True, None)],
)
def test_seconds_are_read_within_reason(value: object, seconds: float | None) -> None:
    assert as_seconds(value) == seconds


def test_an_account_that_is_used_up_waits_and_no_other() -> None:
    allowances = Allowances()
    allowances.note("p", "a", Standing(remaining=0, resets_in=10.0), 100.0)
    allowances.note("p", "a", Standing(remaining=5, resets_in=10.0), 101.0)
    allowances.note("p", "b", Standing(remaining=1, resets_in=10.0), 100.0)
    assert [allowances.wait("p", key, 104.0) for key in ("a", "b", "c")] == [6.0, 0.0, 0.0]
    assert allowances.wait("p", "a", 111.0) == 0.0


def test_dialects_are_those_of_all_providers() -> None:
    assert all(isinstance(one, Dialect) for one in DIALECTS.values())
    assert set(DIALECTS) == set(PROVIDERS)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("chat-1", "chat-1"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a@b.c", "a%40b.c"),
        ("", ""),
    ],
)
def test_an_id_stays_one_part_of_the_path(value: str, part: str) -> None:
    assert segment(value) == part
