"""One person is one lead: matching, linking, merging, and that the order of facts does not change who is who."""

import pytest

from headrace.events.inbox import LEAD_IDENTITIES, Address, Campaign, InboxSuppression, Person
from headrace.events.messages import LeadChanged, LeadEvent, LeadMerged, LeadSuppressed, MessageSent
from streams.pipeline.resolve import NoIdentity, resolve
from tests.unit.streams.pipeline.resolving import START, MemoryLeads, email, identity, kinds, message


def changed(events: list[LeadEvent]) -> LeadChanged:
    return next(event for event in events if isinstance(event, LeadChanged))


def test_first_sight_makes_a_lead_and_gives_it_the_message() -> None:
    events = resolve(message(email("dana@orbit.example")), MemoryLeads())
    assert kinds(events) == ["LeadChanged", "MessageReceived"]
    assert events[0].lead_id == events[1].lead_id
    assert changed(events).email == "dana@orbit.example"


def test_a_lead_that_does_not_change_says_nothing() -> None:
    leads = MemoryLeads()
    resolve(message(email("dana@orbit.example")), leads)
    assert kinds(resolve(message(email("dana@orbit.example"), minute=1), leads)) == ["MessageReceived"]


def test_an_outbound_message_is_a_sent_one() -> None:
    events = resolve(message(email("dana@orbit.example"), direction="outbound"), MemoryLeads())
    assert isinstance(events[-1], MessageSent)


def test_a_known_and_a_new_identity_link_the_new_one() -> None:
    leads = MemoryLeads()
    first = resolve(message(email("dana@orbit.example")), leads)
    resolve(message(email("dana@orbit.example"), identity("phone", "+13125550148"), minute=1), leads)
    later = resolve(message(identity("phone", "+13125550148"), minute=2), leads)
    assert later[-1].lead_id == first[-1].lead_id


def test_two_leads_found_through_one_event_become_the_older_one() -> None:
    leads = MemoryLeads()
    older = resolve(message(email("dana@orbit.example")), leads)[-1].lead_id
    younger = resolve(message(identity("phone", "+13125550148"), minute=1), leads)[-1].lead_id
    events = resolve(message(identity("phone", "+13125550148"), email("dana@orbit.example"), minute=2), leads)
    merge = events[0]
    assert isinstance(merge, LeadMerged)
    assert (merge.lead_id, merge.into_lead_id) == (younger, older)
    assert {i.kind for i in changed(events).identities} == {"email", "phone"}
    assert events[-1].lead_id == older
    assert resolve(message(identity("phone", "+13125550148"), minute=3), leads)[-1].lead_id == older


def test_a_colleague_who_answers_is_linked_but_merges_nobody() -> None:
    leads = MemoryLeads()
    alice = resolve(message(email("alice@orbit.example")), leads)[-1].lead_id
    bob = resolve(message(email("bob@orbit.example"), minute=1), leads)[-1].lead_id
    answer = message(email("alice@orbit.example"), email("bob@orbit.example", alias=True), minute=2)
    events = resolve(answer, leads)
    assert events[-1].lead_id == alice
    assert "LeadMerged" not in kinds(events)
    assert resolve(message(email("bob@orbit.example"), minute=3), leads)[-1].lead_id == bob


def test_an_unknown_replier_becomes_an_alternate_address_of_the_lead() -> None:
    leads = MemoryLeads()
    answer = message(
        email("alice@orbit.example"),
        email("assistant@orbit.example", alias=True),
        from_address=Address(address="assistant@orbit.example", name="Al"),
    )
    lead = changed(resolve(answer, leads))
    assert lead.alternate_emails == ("assistant@orbit.example",)
    assert lead.current_replier == Address(address="assistant@orbit.example", name="Al")
    own = message(email("alice@orbit.example"), from_address=Address(address="alice@orbit.example"), minute=5)
    assert changed(resolve(own, leads)).current_replier is None


def test_a_late_older_answer_does_not_bring_the_replier_back() -> None:
    leads = MemoryLeads()
    resolve(message(email("a@x.example"), from_address=Address(address="b@x.example"), minute=1), leads)
    resolve(message(email("a@x.example"), from_address=Address(address="a@x.example"), minute=9), leads)
    late = resolve(message(email("a@x.example"), from_address=Address(address="b@x.example"), minute=4), leads)
    assert kinds(late) == ["MessageReceived"]


def test_blanks_are_filled_and_the_first_campaign_stays() -> None:
    leads = MemoryLeads()
    resolve(message(email("a@x.example"), person=Person(first_name="Ann"), campaign=Campaign(id="1")), leads)
    more = message(
        email("a@x.example"), person=Person(first_name="Anna", last_name="Roe"), campaign=Campaign(id="2"), minute=1
    )
    lead = changed(resolve(more, leads))
    assert lead.person == Person(first_name="Ann", last_name="Roe")
    assert lead.campaign == Campaign(id="1")


def test_a_suppression_finds_its_lead() -> None:
    leads = MemoryLeads()
    lead = resolve(message(email("a@x.example")), leads)[-1].lead_id
    fact = InboxSuppression(
        receipt_id="s",
        workspace="acme",
        provider="smartlead",
        provider_event="LEAD_UNSUBSCRIBED",
        identities=(email("a@x.example"),),
        reason="unsubscribed",
        occurred_at=START,
        received_at=START,
    )
    events = resolve(fact, leads)
    assert isinstance(events[-1], LeadSuppressed)
    assert events[-1].lead_id == lead


def test_a_fact_about_nobody_is_refused() -> None:
    with pytest.raises(NoIdentity):
        resolve(message(), MemoryLeads())


def test_the_same_fact_again_says_the_same() -> None:
    fact = message(email("a@x.example"), identity("phone", "+13125550148"))
    first = resolve(fact, MemoryLeads())
    leads = MemoryLeads()
    resolve(fact, leads)
    assert resolve(fact, leads) == [first[-1]]
    assert resolve(fact, MemoryLeads()) == first


def test_a_lead_lists_a_bounded_number_of_those_who_answer_for_it() -> None:
    leads = MemoryLeads()
    ann = email("ann@x.example")
    for number in range(LEAD_IDENTITIES + 50):
        lead = resolve(message(ann, email(f"{number}@x.example", alias=True), minute=number), leads)[-1].lead_id
    assert len(leads.lead(lead).identities) == len(leads.lead(lead).alternate_emails) == LEAD_IDENTITIES
    # What is its own still finds it.
    contact = identity("ghl_contact_id", "c1")
    resolve(message(ann, contact, minute=900), leads)
    assert resolve(message(contact, minute=901), leads)[-1].lead_id == lead
