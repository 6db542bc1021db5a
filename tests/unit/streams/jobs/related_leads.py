"""Leads that are one person, and what happens to them."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.streams.jobs.one_person import PLACES, Person

#: Some share a partition.
LEADS = tuple(f"lead-{number}" for number in range(8))
#: Who lives on as whom, by place: a chain, two into one, and both.
TREES = ([(0, 1), (1, 2)], [(0, 2), (1, 2)], [(0, 1), (2, 3), (1, 3)], [(0, 1)])


async def happens(person: Person, data: st.DataObject) -> None:
    """Any agent reads on, or dies over it; any job begins or concludes."""
    unread = [place for place in PLACES if person.log.positions[place] < len(person.log.records[place])]
    waiting, running = person.waiting(), list(person.running)
    choices: list[tuple[str, Any]] = [
        *(("read", place) for place in unread),
        *(("crash", place) for place in unread),
        *(("begin", job_id) for job_id in waiting),
        *(("conclude", job_id) for job_id in running),
    ]
    if not choices:
        return
    what, which = data.draw(st.sampled_from(choices))
    match what:
        case "read":
            await person.read(which, data.draw(st.integers(1, 3)))
        case "crash":
            await person.read(which, data.draw(st.integers(1, 3)), crashing=True)
        case "begin":
            await person.begin(which)
        case _:
            await person.conclude(which)
