"""The order of facts changes neither who is who, nor whose a message is; and a message is never told of twice."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.inbox import Identity, InboxMessage, InboxSignal, InboxSuppression
from headrace.events.messages import LeadEvent, LeadMerged, LeadSignalled, LeadSuppressed, MessageReceived
from streams.pipeline.resolve import is_hint, resolve
from tests.unit.streams.pipeline.resolving import START, MemoryLeads, email, identity, kinds, message

PHONE = identity("phone", "+13125550148")
EMAILS = [email(f"p{n}@x.example") for n in range(4)]
OTHERS = [
    *(identity("phone", f"+1312555014{n}") for n in range(2)),
    *(identity("ghl_contact_id", f"c{n}") for n in range(2)),
    *(identity("linkedin_slug", f"s{n}") for n in range(2)),
]
ALIASES = [email(one.value, alias=True) for one in EMAILS]
FACTS = st.lists(
    st.lists(
        st.sampled_from([*EMAILS, *OTHERS, *ALIASES]), min_size=1, max_size=4, unique_by=lambda i: (i.kind, i.value)
    ),
    max_size=9,
)
Place = tuple[str, str]
People = frozenset[frozenset[Place]]


@given(FACTS, st.randoms(use_true_random=False))
def test_who_is_who_does_not_depend_on_the_order_of_facts(facts: list[list[Identity]], random: Any) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)
    leads = resolved_in_order(facts)
    assert people(leads) == people(resolved_in_order(shuffled)) == joined_by_own_identities(facts)
    assert what_hints_mean(leads, facts) == what_hints_mean(resolved_in_order(shuffled), facts)


@given(FACTS)
def test_facts_that_come_twice_make_nobody_else(facts: list[list[Identity]]) -> None:
    assert people(resolved_in_order([*facts, *facts])) == people(resolved_in_order(facts))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_switchboard_merges_nobody_in_any_order(order: tuple[int, ...]) -> None:
    facts = [(email("ann@x.example"), PHONE), (email("bob@x.example"), PHONE), (PHONE,)]
    leads = resolved_in_order([facts[n] for n in order])
    assert people(leads) == {frozenset([("email", "ann@x.example")]), frozenset([("email", "bob@x.example")])}
    # Who calls now from the shared number may be either of them, or somebody else.
    stranger = resolve(message(PHONE, minute=9), leads)[-1].lead_id
    assert stranger not in {leads.holder(email(f"{name}@x.example")).owner for name in ("ann", "bob")}


def test_a_phone_number_finds_the_one_person_who_has_it_in_either_order() -> None:
    facts = [message(PHONE), message(email("ann@x.example"), PHONE, minute=1)]
    for order in permutations(facts):
        leads = MemoryLeads()
        for fact in order:
            resolve(fact, leads)
        assert resolve(message(PHONE, minute=2), leads)[-1].lead_id == leads.holder(email("ann@x.example")).owner
        assert len(leads.leads) == 1


def test_a_colleague_who_answered_is_somebody_else_in_either_order() -> None:
    answered = (email("ann@x.example"), email("bob@x.example", alias=True))
    wrote = (email("bob@x.example"),)
    for order in permutations([answered, wrote]):
        leads = resolved_in_order(order)
        assert len(leads.leads) == 2
        lead = leads.lead(leads.holder(email("ann@x.example")).owner)
        assert lead.alternate_emails == ("bob@x.example",)
        assert [i.alias for i in lead.identities] == [False, True]


def test_an_alias_by_itself_finds_the_one_lead_it_answered_for() -> None:
    leads = resolved_in_order([(email("ann@x.example"), email("desk@x.example", alias=True))])
    ann = leads.holder(email("ann@x.example")).owner
    assert resolve(message(email("desk@x.example", alias=True), minute=5), leads)[-1].lead_id == ann
    resolve(message(email("bob@x.example"), email("desk@x.example", alias=True), minute=6), leads)
    assert resolve(message(email("desk@x.example", alias=True), minute=7), leads)[-1].lead_id != ann


def test_a_contact_that_changes_its_address_stays_one_lead() -> None:
    contact = identity("ghl_contact_id", "c1")
    leads = resolved_in_order([(contact, email("old@x.example")), (contact, email("new@x.example"))])
    assert len(leads.leads) == 1


def test_an_opt_out_from_a_shared_number_is_for_all_who_have_it() -> None:
    leads = resolved_in_order([(email("ann@x.example"), PHONE), (email("bob@x.example"), PHONE)])
    known = set(leads.leads)
    events = resolve(suppression(PHONE), leads)
    assert known < {event.lead_id for event in events if isinstance(event, LeadSuppressed)}


# EmailBison's UNTRACKED_REPLY_RECEIVED names who wrote, its LEAD_INTERESTED the lead of the campaign too.
UNTRACKED = message(email("desk@x.example"), message_id="m", provider="emailbison")
INTERESTED = message(
    identity("emailbison_lead_id", "5021"),
    email("ann@x.example"),
    email("desk@x.example", alias=True),
    message_id="m",
    minute=3,
    provider="emailbison",
)


@given(st.lists(st.sampled_from([UNTRACKED, INTERESTED]), min_size=1, max_size=6))
def test_a_message_has_one_lead_however_often_and_for_whomever_it_is_told(facts: list[InboxMessage]) -> None:
    leads = MemoryLeads()
    events = [event for fact in facts for event in resolve(fact, leads)]
    homes = {event.lead_id for event in events if isinstance(event, MessageReceived)}
    assert homes == {events[0].lead_id}
    elsewhere = {e.lead_id for e in events if isinstance(e, LeadSignalled) and e.signal == "answered_by_other"}
    assert elsewhere == set(leads.leads) - homes


@given(FACTS, st.data())
def test_no_message_ever_changes_the_lead_its_records_stand_under(facts: list[list[Identity]], data: Any) -> None:
    leads = MemoryLeads()
    homes: dict[str, str] = {}
    for minute, names in enumerate(facts):
        id_ = data.draw(st.sampled_from(["m0", "m1", "m2"]))
        for event in resolve(message(*names, minute=minute, message_id=id_), leads):
            if isinstance(event, MessageReceived):
                assert homes.setdefault(id_, event.lead_id) == event.lead_id


def test_the_message_of_a_lead_that_was_merged_away_keeps_its_key() -> None:
    leads = MemoryLeads()
    resolve(message(email("ann@x.example")), leads)
    contact = identity("ghl_contact_id", "c1")
    young = resolve(message(contact, minute=1, message_id="m"), leads)[-1].lead_id
    assert isinstance(resolve(message(contact, email("ann@x.example"), minute=2), leads)[0], LeadMerged)
    again = resolve(message(contact, minute=1, message_id="m"), leads)
    assert kinds(again) == ["MessageReceived"]
    assert again[0].lead_id == young


def test_a_signal_about_a_message_is_for_the_lead_that_has_it() -> None:
    leads = MemoryLeads()
    home = resolve(UNTRACKED, leads)[-1].lead_id
    resolve(INTERESTED, leads)
    signal = InboxSignal(
        receipt_id="s",
        workspace="acme",
        provider="emailbison",
        provider_event="LEAD_INTERESTED",
        identities=INTERESTED.identities,
        signal="interested",
        occurred_at=START,
        received_at=START,
        message_id="m",
    )
    assert [(kinds([e]), e.lead_id) for e in resolve(signal, leads)] == [(["LeadSignalled"], home)]


def suppression(*identities: Identity) -> InboxSuppression:
    return InboxSuppression(
        receipt_id="s",
        workspace="acme",
        provider="ghl",
        provider_event="dnd",
        identities=identities,
        reason="unsubscribed",
        occurred_at=START,
        received_at=START,
    )


def resolved_in_order(facts: Sequence[Sequence[Identity]]) -> MemoryLeads:
    leads = MemoryLeads()
    for minute, names in enumerate(facts):
        events: list[LeadEvent] = resolve(message(*names, minute=minute), leads)
        assert isinstance(events[-1], MessageReceived)
    return leads


def people(leads: MemoryLeads) -> People:
    """The own identities of each lead that has any."""
    by_lead: dict[str, set[Place]] = {}
    for place, holder in leads.holders.items():
        if holder.owner:
            by_lead.setdefault(leads.survivor(holder.owner), set()).add(place)
    assert by_lead.keys() <= leads.leads.keys()
    return frozenset(map(frozenset, by_lead.values()))


def what_hints_mean(leads: MemoryLeads, facts: list[list[Identity]]) -> dict[Place, People]:
    """By hint, the people it was named with."""
    hints = {(i.kind, i.value): i for names in facts for i in names if is_hint(i)}
    return {
        place: frozenset(
            frozenset((i.kind, i.value) for i in leads.lead(id_).identities if not is_hint(i))
            for id_ in leads.holder(hint).claimants
        )
        for place, hint in hints.items()
        if not leads.holder(hint).owner
    }


def joined_by_own_identities(facts: list[list[Identity]]) -> People:
    """What must come out: everything that facts link by own identities, one group each."""
    groups: list[set[Place]] = []
    for names in facts:
        own = {(i.kind, i.value) for i in names if not is_hint(i)}
        if own:
            touched = [group for group in groups if group & own]
            groups = [group for group in groups if not group & own] + [own.union(*touched)]
    return frozenset(map(frozenset, groups))
