"""Suppressions, pauses and labels at the providers: done, confirmed by the provider itself, and harmless twice."""

from typing import Any

import pytest

from headrace.events.providers import PROVIDERS
from operations.dev.sandbox.script import Rule
from streams.effects.clients.protocol import Labelling, Pausing, Suppressing
from streams.effects.outcome import AccountHeld, CantTell, Found, NotFound, RateLimited, Refused, Sent, Unknown
from tests.outside import LEAD, Outside

SUPPRESSING = ("ghl", "smartlead", "instantly", "emailbison")
PAUSING = ("smartlead", "emailbison")
LABELS = {"ghl": "Interested", "smartlead": "1", "instantly": "-1", "emailbison": "interested"}


def suppressing(outside: Outside, provider: str) -> Suppressing:
    client = outside.clients[provider]
    assert isinstance(client, Suppressing)
    return client


def test_who_can_what_is_told_by_the_clients(outside: Outside) -> None:
    can = outside.clients.items()
    assert tuple(name for name, client in can if isinstance(client, Suppressing)) == SUPPRESSING
    assert tuple(name for name, client in can if isinstance(client, Pausing)) == PAUSING
    assert {name for name, client in can if isinstance(client, Labelling)} == set(LABELS)
    assert set(outside.clients) == set(PROVIDERS)


@pytest.mark.parametrize("provider", SUPPRESSING)
async def test_a_suppression_is_taken_confirmed_and_the_same_twice(outside: Outside, provider: str) -> None:
    client, who, credentials = (
        suppressing(outside, provider),
        outside.concerned(provider),
        outside.credentials(provider),
    )
    assert isinstance(await client.confirm_suppressed(who, credentials, 5.0), NotFound)
    assert isinstance(await client.suppress(who, credentials, 5.0), Sent)
    assert isinstance(await client.confirm_suppressed(who, credentials, 5.0), Found)
    first = dict(outside.world.store.suppressed)
    assert {name for name, _, _ in first} == {provider}
    assert isinstance(await client.suppress(who, credentials, 5.0), Sent)
    assert outside.world.store.suppressed == first
    assert [one.complaints for one in outside.world.store.requests if one.complaints] == []


async def test_a_text_to_who_was_suppressed_is_refused(outside: Outside) -> None:
    client, who, credentials = suppressing(outside, "ghl"), outside.concerned("ghl"), outside.credentials("ghl")
    await client.suppress(who, credentials, 5.0)
    outcome = await outside.send(outside.reply("ghl"))
    assert isinstance(outcome, Refused)
    assert outcome.type == "dnd"


async def test_an_unsubscribe_stands_beside_the_lists(outside: Outside) -> None:
    for provider in ("smartlead", "emailbison"):
        client, credentials = suppressing(outside, provider), outside.credentials(provider)
        await client.suppress(outside.concerned(provider), credentials, 5.0)
    store = outside.world.store
    assert {kind for provider, kind, _ in store.suppressed if provider == "smartlead"} == {"blocked", "unsubscribed"}
    assert ("emailbison", "unsubscribed", "5021") in store.suppressed


@pytest.mark.parametrize("provider", SUPPRESSING)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("rate_limited", RateLimited),
        ("unauthorised", AccountHeld),
        ("error_before", Unknown),
        ("error_after", Unknown),
        ("close_after", Unknown),
        ("page", Unknown),
        ("error_inside", Unknown),
    ],
)
async def test_what_is_said_of_a_fault_is_what_can_be_known(
    outside: Outside, provider: str, fault: Any, expected: type
) -> None:
    client, who, credentials = (
        suppressing(outside, provider),
        outside.concerned(provider),
        outside.credentials(provider),
    )
    outside.world.script.add(Rule(fault=fault, provider=provider, times=1))
    assert isinstance(await client.suppress(who, credentials, 5.0), expected)
    outside.world.script.add(Rule(fault=fault, provider=provider, times=1))
    assert isinstance(await client.confirm_suppressed(who, credentials, 5.0), CantTell)
    assert isinstance(await client.suppress(who, credentials, 5.0), Sent)
    assert isinstance(await client.confirm_suppressed(who, credentials, 5.0), Found)


@pytest.mark.parametrize("provider", PAUSING)
async def test_a_sequence_is_stopped_for_the_lead(outside: Outside, provider: str) -> None:
    client = outside.clients[provider]
    assert isinstance(client, Pausing)
    who, credentials = outside.concerned(provider), outside.credentials(provider)
    for _ in range(2):
        assert isinstance(await client.pause(who, credentials, 5.0), Sent)
    assert [name for name, _ in outside.world.store.paused] == [provider]


@pytest.mark.parametrize("provider", LABELS)
async def test_a_label_is_written_beside_those_there_are(outside: Outside, provider: str) -> None:
    client = outside.clients[provider]
    assert isinstance(client, Labelling)
    who, credentials = outside.concerned(provider), outside.credentials(provider)
    outside.world.store.tags["ghl", "C1"] = ["vip"]
    assert isinstance(await client.write_label(who, LABELS[provider], credentials, 5.0), Sent)
    if provider == "ghl":
        assert outside.world.store.tags["ghl", "C1"] == ["vip", "Interested"]
    else:
        assert list(outside.world.store.labels.values()) == [LABELS[provider]]


@pytest.mark.parametrize("provider", ["smartlead", "instantly", "emailbison"])
async def test_a_label_the_provider_has_not_got_is_refused_before_it_is_sent(outside: Outside, provider: str) -> None:
    client = outside.clients[provider]
    assert isinstance(client, Labelling)
    outcome = await client.write_label(outside.concerned(provider), "Very keen", outside.credentials(provider), 5.0)
    assert isinstance(outcome, Refused)
    assert outside.world.store.requests == []


async def test_a_lead_whose_number_is_not_known_is_looked_up(outside: Outside) -> None:
    client = outside.clients["smartlead"]
    assert isinstance(client, Pausing)
    await client.pause(outside.concerned("smartlead"), outside.credentials("smartlead"), 5.0)
    assert [one.route for one in outside.world.store.requests] == ["lead", "pause"]
    assert ("smartlead", "77") in outside.world.store.paused
    assert outside.world.store.requests[0].query["email"] == LEAD
