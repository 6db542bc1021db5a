"""A split is heard of by all leads of a person, in whatever order: what was taken out is the other person's, once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.events.messages import LeadSuppressed, MessageReceived
from tests.unit.streams.jobs.one_person import START, Person, merged, opted_out, split, wrote
from tests.unit.streams.jobs.related_leads import LEADS, TREES, happens

#: The lead that everybody lives on as: only that one can be split.
SURVIVORS = (2, 2, 3, 1)
SPLIT_AT = 5


@st.composite
def facts(draw: st.DrawFn) -> tuple[list[str], str, list[Any]]:
    """The leads of a person, who is taken out of it, and what is said of all of them."""
    leads = draw(st.permutations(LEADS))
    tree, survivor = draw(st.sampled_from(list(zip(TREES, SURVIVORS, strict=True))))
    merges = [merged(leads[one], leads[into]) for one, into in tree]
    ids = sorted({lead for merge in merges for lead in (merge.lead_id, merge.into_lead_id)})
    new = leads[7]
    kinds = st.tuples(st.booleans(), st.sampled_from([*ids, new]), st.integers(0, 9))
    said: list[Any] = []
    for place, (is_message, lead, minute) in enumerate(draw(st.lists(kinds, max_size=8))):
        if is_message:
            said += [(wrote(lead, minute, f"first {place}"), ""), (wrote(lead, minute, f"last {place}"), "run")]
        else:
            said.append((opted_out(lead, minute), ""))
    messages = sorted({event.message_id for event, _ in said if _is_message(event) and event.lead_id != new})
    gone = [id_ for id_ in messages if draw(st.booleans())]
    splits = [(split(leads[survivor], new, gone, SPLIT_AT), "")]
    return ids, new, draw(st.permutations([*((merge, "") for merge in merges), *said, *splits]))


@given(facts(), st.data())
@settings(deadline=None)
async def test_what_was_taken_out_is_the_other_persons_alone(
    known: tuple[list[str], str, list[Any]], data: st.DataObject
) -> None:
    leads, new, events = known
    person = Person()
    await person.load()
    for event, correction in events:
        await person.receive(event, correction)
    for _ in range(data.draw(st.integers(0, 40))):
        await happens(person, data)
    await person.settle()

    gone = {id_ for event, _ in events for id_ in getattr(event, "message_ids", ())}
    newest = {event.message_id: event for event, _ in events if _is_message(event)}
    theirs = [m for m in newest.values() if m.lead_id in leads and m.message_id not in gone]
    others = [m for m in newest.values() if m.lead_id == new or m.message_id in gone]
    for lead in leads:
        assert person.texts(lead) == _texts(theirs)
    assert person.texts(new) == _texts(others)

    outs = [event for event, _ in events if isinstance(event, LeadSuppressed)]
    for lead in leads:
        assert bool(person.head(lead).suppressed_at) == any(out.lead_id in leads for out in outs)
    doubtful = [out for out in outs if out.lead_id in leads and (out.occurred_at - START).seconds <= SPLIT_AT * 60]
    if doubtful:
        assert person.head(new).suppressed_at == min(
            out.occurred_at for out in outs if out in doubtful or out.lead_id == new
        )
    if not outs:
        assert person.head(new).suppressed_at is None
    assert person.head(new).absorbed == ()
    assert new not in {relative for lead in leads for relative in person.head(lead).absorbed}


def _is_message(event: object) -> bool:
    return isinstance(event, MessageReceived)


def _texts(messages: list[MessageReceived]) -> list[str]:
    return [m.text for m in sorted(messages, key=lambda m: (m.sent_at, m.received_at, m.message_id))]


@pytest.fixture
async def person() -> Person:
    """Two leads are one person, and the older one turned out to be somebody else's in part."""
    made = Person()
    await made.load()
    await made.receive(wrote("lead-0", 1, "mine"))
    await made.receive(wrote("lead-0", 2, "not mine"))
    await made.receive(merged("lead-0", "lead-1"))
    await made.settle()
    await made.receive(split("lead-1", "lead-2", ["lead-0-2"], SPLIT_AT))
    await made.settle()
    return made


async def test_a_relative_forgets_what_was_taken_out(person: Person) -> None:
    assert [person.texts(lead) for lead in ("lead-0", "lead-1", "lead-2")] == [["mine"], ["mine"], ["not mine"]]


async def test_a_correction_of_what_was_taken_out_follows_it(person: Person) -> None:
    await person.receive(wrote("lead-0", 2, "put right"), correction="run")
    await person.settle()
    assert [person.texts(lead) for lead in ("lead-0", "lead-1", "lead-2")] == [["mine"], ["mine"], ["put right"]]


async def test_what_was_said_before_the_split_to_a_relative_is_for_both(person: Person) -> None:
    await person.receive(opted_out("lead-0", SPLIT_AT))
    await person.settle()
    assert [person.head(f"lead-{number}").suppressed_reason for number in range(3)] == ["unsubscribed"] * 3


@pytest.mark.parametrize(("said_to", "ended"), [(0, [True, True, False]), (2, [False, False, True])])
async def test_what_is_said_after_the_split_is_for_one_of_them(person: Person, said_to: int, ended: list[bool]) -> None:
    await person.receive(opted_out(f"lead-{said_to}", SPLIT_AT + 1))
    await person.settle()
    assert [person.head(f"lead-{number}").suppressed_at is not None for number in range(3)] == ended
