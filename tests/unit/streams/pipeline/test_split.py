"""What was merged wrongly comes apart, and stays apart whatever names both."""

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.inbox import Identity, InboxSplit
from headrace.events.messages import LeadChanged, LeadEvent, LeadSplit, MessageMoved, MessageReceived
from streams.pipeline.resolve import resolve
from streams.pipeline.split import NothingToSplit, split, split_lead_id
from tests.unit.streams.pipeline.resolving import START, MemoryLeads, email, identity, kinds, message

CONTACT = identity("ghl_contact_id", "c1")
ANN, BOB = email("ann@x.example"), email("bob@x.example")
PHONE = identity("phone", "+13125550148")


@pytest.fixture
def leads() -> MemoryLeads:
    """Ann's contact was given to Bob: they are one lead, with a message of each."""
    memory = MemoryLeads()
    resolve(message(CONTACT, ANN, PHONE, message_id="anns"), memory)
    resolve(message(CONTACT, BOB, message_id="bobs", minute=1), memory)
    return memory


def order(leads: MemoryLeads, *identities: Identity, messages: tuple[str, ...] = ("bobs",)) -> InboxSplit:
    return InboxSplit(
        receipt_id="run",
        workspace="acme",
        lead_id=leads.holder(ANN).owner,
        identities=identities,
        message_ids=messages,
        received_at=START,
        by="kim",
    )


def leads_of(events: list[LeadEvent]) -> list[LeadChanged]:
    return [event for event in events if isinstance(event, LeadChanged)]


def test_the_identities_and_messages_go_to_a_lead_of_their_own(leads: MemoryLeads) -> None:
    lead = leads.holder(ANN).owner
    events = split(order(leads, BOB), leads)
    assert kinds(events) == ["LeadSplit", "LeadChanged", "LeadChanged", "MessageMoved"]
    told, kept, new, move = events
    assert isinstance(told, LeadSplit)
    assert isinstance(move, MessageMoved)
    assert told.new_lead_id == new.lead_id == split_lead_id("acme", lead, (BOB,)) == leads.holder(BOB).owner
    assert isinstance(kept, LeadChanged)
    assert isinstance(new, LeadChanged)
    assert (kept.email, kept.alternate_emails, kept.phone) == (ANN.value, (), PHONE.value)
    assert (new.email, new.identities, new.phone) == (BOB.value, (BOB,), None)
    # The record of a move has the key of the message's own records.
    assert (move.lead_id, move.into_lead_id) == (lead, new.lead_id)


def test_whatever_names_both_does_not_make_them_one_again(leads: MemoryLeads) -> None:
    ann, bob = leads.holder(ANN).owner, split_lead_id("acme", leads.holder(ANN).owner, (BOB,))
    split(order(leads, BOB), leads)
    for number, names in enumerate(permutations([CONTACT, BOB, ANN, PHONE], 3)):
        events = resolve(message(*names, minute=9 + number), leads)
        assert "LeadMerged" not in kinds(events)
    assert (leads.holder(ANN).owner, leads.holder(CONTACT).owner, leads.holder(BOB).owner) == (ann, ann, bob)


def test_they_stay_apart_when_one_of_them_is_merged_into_somebody_older(leads: MemoryLeads) -> None:
    split(order(leads, BOB), leads)
    older = identity("linkedin_slug", "bob")
    leads.leads["older"] = msgspec.structs.replace(leads.lead(leads.holder(BOB).owner), lead_id="older", apart_from=())
    leads.leads["older"] = msgspec.structs.replace(leads.leads["older"], created_at=START.replace(year=2020))
    leads.hold(older, msgspec.structs.replace(leads.holder(older), owner="older"))
    assert kinds(resolve(message(older, BOB, minute=5), leads))[0] == "LeadMerged"
    assert leads.holder(BOB).owner == "older"
    assert "LeadMerged" not in kinds(resolve(message(CONTACT, BOB, minute=6), leads))


def test_a_message_that_was_given_away_is_still_told_under_the_key_it_began_with(leads: MemoryLeads) -> None:
    lead = leads.holder(ANN).owner
    split(order(leads, BOB), leads)
    again = resolve(message(BOB, message_id="bobs", minute=1), leads)
    assert kinds(again) == ["MessageReceived"]
    assert again[0].lead_id == lead


def test_asked_for_twice_it_is_done_once(leads: MemoryLeads) -> None:
    asked = order(leads, BOB)
    assert split(asked, leads) != []
    before = (dict(leads.leads), dict(leads.holders))
    assert split(asked, leads) == []
    assert (leads.leads, leads.holders) == before


def test_the_same_split_of_the_same_leads_says_the_same(leads: MemoryLeads) -> None:
    twin = MemoryLeads()
    for name in ("leads", "holders", "homes"):
        setattr(twin, name, dict(getattr(leads, name)))
    assert split(order(leads, BOB), leads) == split(order(twin, BOB), twin)


@pytest.mark.parametrize(
    "identities",
    [(), (PHONE,), (email("carl@x.example"),), (ANN, BOB, CONTACT)],
    ids=["none", "shared by all", "nobody's", "all"],
)
def test_a_split_that_leaves_one_side_nobody_is_refused(leads: MemoryLeads, identities: tuple[Identity, ...]) -> None:
    before = (dict(leads.leads), dict(leads.holders), dict(leads.homes))
    with pytest.raises(NothingToSplit):
        split(order(leads, *identities), leads)
    assert (leads.leads, leads.holders, leads.homes) == before


def test_nobody_splits_the_lead_of_another_workspace(leads: MemoryLeads) -> None:
    with pytest.raises(NothingToSplit):
        split(msgspec.structs.replace(order(leads, BOB), workspace="other"), leads)


@given(st.lists(st.lists(st.sampled_from([CONTACT, ANN, BOB, PHONE]), min_size=1, unique=True), max_size=6))
def test_no_facts_ever_bring_them_together(facts: list[list[Identity]]) -> None:
    leads = MemoryLeads()
    resolve(message(CONTACT, ANN, message_id="anns"), leads)
    resolve(message(CONTACT, BOB, message_id="bobs", minute=1), leads)
    split(order(leads, BOB), leads)
    for minute, names in enumerate(facts, start=5):
        events = resolve(message(*names, minute=minute), leads)
        assert any(isinstance(event, MessageReceived) for event in events)
    assert leads.holder(ANN).owner == leads.holder(CONTACT).owner != leads.holder(BOB).owner
