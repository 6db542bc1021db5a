"""Whatever the order in which the logs of one person's leads are read, all its leads end up knowing the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.events.conversations import ConversationMoved
from headrace.events.inbox import SuppressionReason
from headrace.events.job_plan import SCORING
from headrace.events.jobs import JobCancelled
from tests.unit.streams.jobs.one_person import PLACES, Person, merged, opted_out, signalled, wrote
from tests.unit.streams.jobs.related_leads import LEADS, TREES, happens


@pytest.fixture
async def person() -> Person:
    """Nothing is known."""
    made = Person()
    await made.load()
    return made


REASONS: list[SuppressionReason] = ["unsubscribed", "bounced", "wrong_person", "blacklisted"]


@st.composite
def facts(draw: st.DrawFn) -> tuple[list[str], list[Any]]:
    """The leads of a person, and what is said of them; merges come in any order among it."""
    leads = draw(st.permutations(LEADS))
    merges = [merged(leads[one], leads[into]) for one, into in draw(st.sampled_from(TREES))]
    ids = sorted({lead for merge in merges for lead in (merge.lead_id, merge.into_lead_id)})
    kinds = st.tuples(
        st.sampled_from(["wrote", "opted_out", "signalled"]),
        st.sampled_from(ids),
        st.integers(0, 9),
        st.sampled_from(REASONS),
    )
    said: list[tuple[Any, str]] = []
    for place, (kind, lead, minute, reason) in enumerate(draw(st.lists(kinds, max_size=8))):
        if kind == "wrote":
            said.append((wrote(lead, minute, f"as first read {place}"), ""))
            said.append((wrote(lead, minute, f"as read at last {place}"), "run"))
        elif kind == "opted_out":
            said.append((opted_out(lead, minute, reason), ""))
        else:
            said.append((signalled(lead, minute), ""))
    order = draw(st.permutations([*((merge, "") for merge in merges), *said]))
    return ids, order


@given(facts(), st.data())
@settings(deadline=None)
async def test_no_open_job_of_a_suppressed_person_promises_anything(
    known: tuple[list[str], list[Any]], data: st.DataObject
) -> None:
    leads, events = known
    person = Person()
    await person.load()
    for event, correction in events:
        await person.receive(event, correction)
    for _ in range(data.draw(st.integers(0, 40))):
        await happens(person, data)
    await person.settle()

    heads = [person.head(lead) for lead in leads]
    first = heads[0]
    for head in heads:
        assert (head.suppressed_at, head.suppressed_reason) == (first.suppressed_at, first.suppressed_reason)
        assert (head.label, head.label_at, head.label_message_id) == (
            first.label,
            first.label_at,
            first.label_message_id,
        )
        assert (head.signals, head.refs) == (first.signals, first.refs)
        assert not (head.suppressed_at and head.promises)
    assert len({tuple(person.texts(lead)) for lead in leads}) == 1
    assert not person.open_jobs()
    if first.suppressed_at is not None:
        assert not [event for event in person.standing().values() if getattr(event, "send_at", None)]


async def test_an_opt_out_after_the_merge_reaches_the_survivor(person: Person) -> None:
    await person.receive(merged("lead-0", "lead-1"))
    await person.settle()
    await person.receive(opted_out("lead-0", 5, "bounced"))
    await person.settle()
    assert person.head("lead-1").suppressed_reason == "bounced"


async def test_open_jobs_of_the_merged_lead_see_the_survivors_opt_out_and_newer_messages(person: Person) -> None:
    await person.receive(wrote("lead-0", 1, "first"))
    await person.receive(merged("lead-0", "lead-1"))
    await person.settle()
    await person.receive(wrote("lead-1", 2, "second"))
    await person.receive(opted_out("lead-1", 3))
    await person.settle()
    assert person.head("lead-0").suppressed_reason == "unsubscribed"
    assert person.texts("lead-0") == ["first", "second"]


async def test_a_send_that_was_decided_before_the_relatives_opt_out_is_taken_back(person: Person) -> None:
    await person.receive(wrote("lead-0", 1))
    await person.receive(merged("lead-0", "lead-1"))
    await person.settle()
    assert [event.decision for event in person.standing().values() if event.step == "decide_reply"] == ["send_at"]
    await person.receive(opted_out("lead-1", 3))
    await person.settle()
    (decided,) = [event for event in person.standing().values() if event.step == "decide_reply"]
    assert (decided.decision, decided.send_at, decided.reasons) == ("blocked", None, ("suppressed",))
    assert decided.withdrawn


async def test_a_long_conversation_is_told_in_pieces_none_of_which_is_lost(person: Person) -> None:
    for number in range(70):
        await person.receive(wrote("lead-0", number, f"{number} " + "é" * 15_000))
    await person.receive(merged("lead-0", "lead-1"))
    await person.settle()
    told = [event for event in person.log.events("jobs") if isinstance(event, ConversationMoved)]
    assert len(told) > 1
    assert person.texts("lead-1") == person.texts("lead-0")
    assert len(person.texts("lead-1")) == 70


async def test_waiting_jobs_without_sense_end_when_a_relative_opts_out(person: Person) -> None:
    await person.receive(wrote("lead-0", 1))
    await person.receive(merged("lead-0", "lead-1"))
    while not person.waiting():
        await _read_on(person)
    (job_id,) = person.waiting()
    await person.begin(job_id)
    await person.conclude(job_id)
    await _read_on(person)
    (scoring,) = [job.request for job in person.open_jobs() if job.request.type == SCORING]
    await person.receive(opted_out("lead-1", 3))
    while person.open_jobs():
        await _read_on(person)
    ends = [event for event in person.log.events("jobs") if isinstance(event, JobCancelled)]
    assert [(end.job_id, end.reason) for end in ends] == [(scoring.job_id, "lead suppressed")]


async def _read_on(person: Person) -> None:
    """Everybody reads what there is; nothing begins."""
    for place in PLACES:
        await person.read(place, 100)
