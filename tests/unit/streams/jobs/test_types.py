"""Every job type has its steps: opt-outs are heard first, and no step is named twice."""

from pathlib import Path

import pytest

from headrace.events.codec import Codec
from headrace.events.job_plan import FOLLOWED, JOBS, POST_PROCESS, STEPS
from streams.jobs.types import JOB_TYPES, STEP_BY_NAME, label_of

GOLDEN = Path(__file__).parents[3] / "contract" / "events" / "golden"


def test_every_type_has_steps() -> None:
    assert set(JOB_TYPES) == {job.type for job in JOBS}
    assert all(JOB_TYPES.values())


def test_every_job_is_planned_once_and_has_something_that_asks_for_it() -> None:
    assert len(STEPS) == len(JOBS)
    assert set(JOB_TYPES) == {*POST_PROCESS.values(), *(later for _, later in FOLLOWED)}


def test_no_step_is_without_a_job() -> None:
    assert set(STEP_BY_NAME) == {name for steps in STEPS.values() for name in steps}


@pytest.mark.parametrize("type_", JOB_TYPES)
def test_steps_are_those_of_the_plan_and_named_once(type_: str) -> None:
    names = [step.name for step in JOB_TYPES[type_]]
    assert tuple(names) == STEPS[type_]
    assert len(names) == len(set(names))


def test_opt_outs_are_heard_before_anything_that_needs_a_model() -> None:
    for type_ in POST_PROCESS.values():
        first = JOB_TYPES[type_][0]
        assert first.name == "opt_out_and_bounce"
        assert first.dependency is None


@pytest.mark.parametrize(
    ("type_", "label"), [("message.classified.v1", "Meeting Requested"), ("lead.state.changed.v1", None)]
)
def test_only_a_classification_tells_a_label(type_: str, label: str | None) -> None:
    event = Codec().decode(type_, (GOLDEN / f"{type_}.json").read_bytes())
    found = label_of(event)
    assert (found.label if found else None) == label
    assert found is None or found.label_at == event.sent_at
