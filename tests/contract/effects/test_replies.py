"""Each client against the sandbox: what is said of a send is what the sandbox's own store says was done."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from headrace.events.inbox import Address
from headrace.events.providers import PROVIDERS
from operations.dev.sandbox.script import Rule
from streams.effects.clients.matching import normal
from streams.effects.outcome import (
    AccountHeld,
    CantTell,
    Found,
    NotFound,
    NotReached,
    RateLimited,
    Refused,
    Sent,
    Several,
    Unknown,
)
from tests.outside import LEAD, TEXT, Outside

everywhere = pytest.mark.parametrize("provider", PROVIDERS)


@everywhere
async def test_a_reply_is_sent_once_as_documented_in_the_thread_it_answers(outside: Outside, provider: str) -> None:
    outcome = await outside.send(outside.reply(provider))
    assert isinstance(outcome, Sent)
    (message,) = outside.sent(provider)
    inbound = next(one for one in outside.world.store.messages if one.provider == provider)
    assert (message.thread, message.person) == (inbound.thread, inbound.person)
    assert "Thursday at 10 works." in (message.text + message.html)
    assert [one.complaints for one in outside.world.store.requests] == [[]]


@everywhere
async def test_what_was_sent_is_found_with_its_ids(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    outcome = await outside.send(reply)
    found = await outside.find(reply)
    assert isinstance(outcome, Sent)
    assert isinstance(found, Found)
    assert outcome.provider_ids.items() <= found.provider_ids.items()
    assert (found.evidence.looked_at, found.evidence.near) == (1, 0)


#: Fault, what is said of it, and whether the provider did the work. Where a provider differs, by name.
FAULTS: list[tuple[str, dict[str, Any], Any, int]] = [
    ("rate_limited", {"seconds": 7}, RateLimited(retry_after=7.0), 0),
    ("unauthorised", {}, AccountHeld, 0),
    ("error_before", {"status": 500}, Unknown, 0),
    ("error_before", {"status": 503}, Unknown, 0),
    ("error_before", {"status": 504}, Unknown, 0),
    ("error_after", {"status": 500}, Unknown, 1),
    ("error_after", {"status": 502}, Unknown, 1),
    ("error_after", {"status": 408}, Unknown, 1),
    ("error_after", {"status": 409}, Unknown, 1),
    ("reset_before", {}, Unknown, 0),
    ("reset_after", {}, Unknown, 1),
    ("close_before", {}, Unknown, 0),
    ("close_after", {}, Unknown, 1),
    ("silence_before", {"seconds": 1.5}, Unknown, 0),
    ("silence_after", {"seconds": 1.5}, Unknown, 1),
    ("half_answer", {}, Unknown, 1),
    ("error_inside", {}, Unknown, 0),
    ("page", {}, Unknown, 0),
    ("without_id", {}, Unknown, 1),
    ("twice", {}, Sent, 1),
    ("slow", {"seconds": 0.1}, Sent, 1),
    ("lag", {"seconds": 60}, Sent, 1),
]


@everywhere
@pytest.mark.parametrize(("fault", "with_", "expected", "done"), FAULTS, ids=lambda value: str(value)[:24])
async def test_what_is_said_of_a_fault_is_what_can_be_known(
    outside: Outside, provider: str, fault: Any, with_: dict[str, Any], expected: Any, done: int
) -> None:
    outside.world.script.add(Rule(fault=fault, provider=provider, route="send", times=1, **with_))
    reply = outside.reply(provider)
    outcome = await outside.send(reply, deadline=1.0)
    assert outcome == expected if isinstance(expected, RateLimited) else isinstance(outcome, expected)
    assert len(outside.sent(provider)) == done
    assert len(outside.world.store.requests) == 1, "nobody retries below the client"
    if isinstance(outcome, Unknown):
        assert isinstance(await outside.find(reply), Found if done else NotFound)


BARE = {"ghl": 10.0, "instantly": 60.0}


@everywhere
async def test_a_limit_without_a_time_gets_the_documented_or_no_pause(outside: Outside, provider: str) -> None:
    outside.world.script.add(Rule(fault="rate_limited_bare", route="send", times=1))
    assert await outside.send(outside.reply(provider)) == RateLimited(retry_after=BARE.get(provider))


@everywhere
async def test_a_limit_is_remembered_for_the_account(outside: Outside, provider: str) -> None:
    outside.world.script.add(Rule(fault="rate_limited", route="send", times=1, seconds=40))
    await outside.send(outside.reply(provider))
    client = outside.clients[provider]
    key = client.limited_as(outside.credentials(provider))
    assert outside.caller.allowances.wait(provider, key, 0.0) > 0
    assert outside.caller.allowances.wait(provider, f"{key}-other", 0.0) == 0
    assert (
        outside.credentials(provider).secrets["api_key" if provider != "ghl" else "private_integration_token"]
        not in key
    )


@everywhere
async def test_a_key_that_is_not_let_in_holds_the_account(outside: Outside, provider: str) -> None:
    outside.world.store.keys[provider] = {"another"}
    assert isinstance(await outside.send(outside.reply(provider)), AccountHeld)
    assert isinstance(await outside.find(outside.reply(provider)), CantTell)
    assert outside.sent(provider) == []


@everywhere
async def test_a_rotated_key_counts_at_the_next_call(outside: Outside, provider: str) -> None:
    credentials = outside.credentials(provider)
    name = next(iter(credentials.secrets))
    outside.world.store.keys[provider] = {"fresh"}
    fresh = replace(credentials, secrets={name: "fresh"})
    outcome = await outside.clients[provider].send_reply(outside.reply(provider), fresh, 5.0)
    assert isinstance(outcome, Sent)


@everywhere
async def test_a_server_that_is_away_was_not_reached(outside: Outside, provider: str) -> None:
    credentials = replace(outside.credentials(provider), settings={"base_url": "http://127.0.0.1:9"})
    client = outside.clients[provider]
    assert isinstance(await client.send_reply(outside.reply(provider), credentials, 5.0), NotReached)
    assert isinstance(await client.find_reply(outside.reply(provider), credentials, 5.0), CantTell)


@everywhere
async def test_a_wrong_address_holds_the_account(outside: Outside, provider: str) -> None:
    credentials = replace(outside.credentials(provider), settings={"base_url": f"{outside.base}/nowhere"})
    outcome = await outside.clients[provider].send_reply(outside.reply(provider), credentials, 5.0)
    assert isinstance(outcome, AccountHeld)
    assert "base_url" in outcome.reason


@everywhere
async def test_what_shows_late_is_found_later(outside: Outside, provider: str) -> None:
    outside.world.script.add(Rule(fault="lag", route="send", times=1, seconds=240))
    reply = outside.reply(provider)
    await outside.send(reply)
    assert isinstance(await outside.find(reply), NotFound)
    outside.world.store.move_clock(300)
    assert isinstance(await outside.find(reply), Found)


@everywhere
async def test_equal_words_twice_are_for_a_person(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    await outside.send(reply)
    await outside.send(reply)
    found = await outside.find(reply)
    assert isinstance(found, Several)
    assert len(found.evidence.record_ids) == 2


@everywhere
async def test_a_record_that_another_action_has_is_not_taken_for_this_one(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    await outside.send(reply)
    found = await outside.find(reply)
    assert isinstance(found, Found)
    known = msgspec.structs.replace(reply, known_ids=frozenset(found.evidence.record_ids))
    assert isinstance(await outside.find(known), NotFound)


@everywhere
async def test_what_was_sent_before_or_long_after_the_claim_is_not_ours(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    outside.somebody_sends(provider, TEXT, reply.claimed_at - timedelta(minutes=3))
    outside.somebody_sends(provider, TEXT, reply.claimed_at + timedelta(minutes=11))
    outside.world.store.move_clock(3_600)
    assert isinstance(await outside.find(reply), NotFound)


@everywhere
async def test_what_nearly_equals_it_is_for_a_person(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    outside.somebody_sends(provider, TEXT.replace("10", "11"), reply.claimed_at)
    found = await outside.find(reply)
    assert isinstance(found, Several)
    assert (found.evidence.near, found.evidence.record_ids) == (1, ())


@everywhere
async def test_other_words_are_not_ours(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    outside.somebody_sends(provider, "No, thank you. We already have somebody for that.", reply.claimed_at)
    assert isinstance(await outside.find(reply), NotFound)


@everywhere
async def test_another_thread_is_not_looked_at(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    other = {"thread": "other", "person": "other", "ids": {"conversationId": "x", "stats_id": "x", "lead_id": "9"}}
    outside.somebody_sends(provider, TEXT, reply.claimed_at, **other)
    assert isinstance(await outside.find(reply), NotFound)


@everywhere
@pytest.mark.parametrize(
    "fault", ["rate_limited", "error_before", "unauthorised", "close_before", "page", "half_answer", "error_inside"]
)
async def test_a_look_up_that_fails_proves_nothing(outside: Outside, provider: str, fault: Any) -> None:
    outside.world.script.add(Rule(fault=fault, provider=provider))
    assert isinstance(await outside.find(outside.reply(provider)), CantTell)


async def test_a_blocked_contact_is_a_refusal(outside: Outside) -> None:
    outside.world.store.suppressed["ghl", "dnd", "C1"] = outside.world.store.now()
    outcome = await outside.send(outside.reply("ghl"))
    assert outcome == Refused(type="dnd", detail="Cannot send message as DND is active for SMS.", http_status=400)


async def test_words_of_ours_in_a_complaint_are_taken_out(outside: Outside) -> None:
    long = outside.reply("unipile", text="y" * 8_001)
    outcome = await outside.send(long)
    assert isinstance(outcome, Refused)
    assert "yyyyyyyyy" not in outcome.detail


async def test_an_account_that_is_cut_off_proves_nothing(outside: Outside) -> None:
    reply = outside.reply("unipile")
    outside.world.script.add(Rule(fault="close_after", route="send", times=1))
    assert isinstance(await outside.send(reply), Unknown)
    outside.world.store.account_states["acc_1"] = ("CREDENTIALS", reply.claimed_at)
    stale = await outside.find(reply)
    assert isinstance(stale, CantTell)
    assert "CREDENTIALS" in stale.reason
    outside.world.store.set_account("acc_1", "OK")
    assert isinstance(await outside.find(reply), Found)


async def test_a_send_from_an_account_that_is_cut_off_holds_it(outside: Outside) -> None:
    outside.world.store.set_account("acc_1", "CREDENTIALS")
    outcome = await outside.send(outside.reply("unipile"))
    assert isinstance(outcome, AccountHeld)
    assert outside.sent("unipile") == []


async def test_the_list_budget_runs_out_and_nothing_is_concluded_from_that(outside: Outside) -> None:
    reply = outside.reply("instantly")
    looks = [await outside.find(reply) for _ in range(21)]
    assert [type(one) for one in looks] == [NotFound] * 20 + [CantTell]


async def test_a_colleague_who_answered_gets_the_reply(outside: Outside) -> None:
    for provider in ("smartlead", "emailbison"):
        await outside.send(outside.reply(provider, to=Address(address="colleague@lead.example")))
        assert [one.person for one in outside.sent(provider)] == ["colleague@lead.example"]


@pytest.mark.parametrize("provider", ["smartlead", "instantly", "emailbison"])
async def test_a_mail_quoted_below_by_the_provider_is_still_found(outside: Outside, provider: str) -> None:
    reply = outside.reply(provider)
    quoted = f"{TEXT}\n\nOn Mon, Mar 2, 2026 at 8:00 AM Pat <{LEAD}> wrote:\n> When?"
    outside.somebody_sends(provider, quoted, reply.claimed_at)
    assert isinstance(await outside.find(reply), Found)


@everywhere
async def test_what_is_missing_is_said_before_anything_is_called(outside: Outside, provider: str) -> None:
    client, credentials = outside.clients[provider], outside.credentials(provider)
    lacking = await client.send_reply(outside.reply(provider), replace(credentials, secrets={}), 5.0)
    assert isinstance(lacking, AccountHeld)
    assert f"{provider}.api." in lacking.reason
    refused = await client.send_reply(outside.reply(provider, context={}), credentials, 5.0)
    assert isinstance(refused, Refused)
    assert isinstance(await client.find_reply(outside.reply(provider, context={}), credentials, 5.0), CantTell)
    assert outside.world.store.requests == []


def test_texts_are_compared_without_their_typography() -> None:
    assert normal("He said “ok”\r\n\r\n  \u2013 fine ") == normal('He said "ok" - fine')
