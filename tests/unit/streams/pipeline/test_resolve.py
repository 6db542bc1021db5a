"""One person is one lead: matching, linking, merging, and that the order of facts does not change who is who."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.inbox import Address, Campaign, Identity, IdentityKind, InboxMessage, InboxSuppression, Person
from events.messages import (
    LEAD_IDENTITIES,
    LeadChanged,
    LeadEvent,
    LeadMerged,
    LeadSuppressed,
    MessageReceived,
    MessageSent,
)
from streams.pipeline.resolve import NoIdentity, resolve

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class MemoryLeads:
    """The table as dictionaries."""

    def __init__(self) -> None:
        self.owners: dict[tuple[str, str], str] = {}
        self.leads: dict[str, LeadChanged] = {}

    def owner(self, identity: Identity) -> str | None:
        return self.owners.get((identity.kind, identity.value))

    def lead(self, id_: str) -> LeadChanged:
        return self.leads[id_]

    def put(self, lead: LeadChanged) -> None:
        self.leads[lead.lead_id] = lead
        for identity in lead.identities:
            self.owners[identity.kind, identity.value] = lead.lead_id

    def remove(self, id_: str) -> None:
        del self.leads[id_]


def email(value: str, alias: bool = False) -> Identity:
    return Identity(kind="email", value=value, alias=alias)


def identity(kind: IdentityKind, value: str) -> Identity:
    return Identity(kind=kind, value=value)


def message(*identities: Identity, minute: int = 0, **changes: object) -> InboxMessage:
    at = START + timedelta(minutes=minute)
    base = InboxMessage(
        receipt_id=f"r{minute}",
        workspace="acme",
        provider="smartlead",
        message_id=f"m{minute}",
        conversation_id="c",
        channel="email",
        direction="inbound",
        source="direct",
        identities=identities,
        provider_event="EMAIL_REPLY",
        provider_message_id=f"p{minute}",
        sent_at=at,
        received_at=at,
        text="Yes",
        body="Yes",
    )
    return msgspec.structs.replace(base, **changes)


def kinds(events: list[LeadEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


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


IDENTITIES = [email(f"p{n}@x.example") for n in range(4)] + [identity("phone", f"+1312555014{n}") for n in range(4)]


@given(st.lists(st.lists(st.sampled_from(IDENTITIES), min_size=1, max_size=3, unique=True), max_size=8), st.randoms())
def test_who_is_who_does_not_depend_on_the_order_of_facts(groups: list[list[Identity]], random: object) -> None:
    shuffled = list(groups)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert people(groups) == people(shuffled)


def people(groups: list[list[Identity]]) -> set[frozenset[tuple[str, str]]]:
    leads = MemoryLeads()
    for minute, group in enumerate(groups):
        events = resolve(message(*group, minute=minute), leads)
        assert isinstance(events[-1], MessageReceived)
    by_lead: dict[str, set[tuple[str, str]]] = {}
    for place, owner in leads.owners.items():
        by_lead.setdefault(owner, set()).add(place)
        assert owner in leads.leads
    return {frozenset(places) for places in by_lead.values()}


def test_a_lead_learns_only_so_many_identities_and_says_so() -> None:
    leads = MemoryLeads()
    contact = identity("ghl_contact_id", "c1")
    for number in range(200):
        resolve(message(contact, email(f"p{number}@x.example"), minute=number), leads)
    (lead,) = leads.leads.values()
    assert len(lead.identities) == LEAD_IDENTITIES
    assert len(lead.alternate_emails) <= LEAD_IDENTITIES
    assert lead.cut == ("identities", "alternate_emails")
    assert leads.owner(email("p0@x.example")) == lead.lead_id
    assert leads.owner(email("p199@x.example")) is None
    events = resolve(message(contact, email("p199@x.example"), minute=300), leads)
    assert [type(event) for event in events] == [MessageReceived]


def test_leads_that_would_be_reached_in_too_many_ways_stay_two_and_keep_what_they_own() -> None:
    leads = MemoryLeads()
    for number in range(40):
        resolve(message(identity("ghl_contact_id", "c1"), email(f"a{number}@x.example"), minute=number), leads)
        resolve(message(identity("linkedin_id", "l1"), email(f"b{number}@x.example"), minute=number), leads)
    owners = dict(leads.owners)
    both = message(identity("ghl_contact_id", "c1"), identity("linkedin_id", "l1"), minute=100)
    assert [type(event) for event in resolve(both, leads)] == [MessageReceived]
    assert leads.owners == owners
    assert len(leads.leads) == 2
