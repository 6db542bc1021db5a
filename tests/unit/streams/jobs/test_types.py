"""Every job type has its steps: opt-outs are heard first, and no step is named twice."""

from pathlib import Path
from typing import get_args

import pytest

from headrace.events.codec import Codec
from headrace.events.job_plan import STEPS
from headrace.events.jobs import JobType
from streams.jobs.types import JOB_TYPES, POST_PROCESS, label_of

GOLDEN = Path(__file__).parents[3] / "contract" / "events" / "golden"


def test_every_type_has_steps() -> None:
    assert set(JOB_TYPES) == set(get_args(JobType))
    assert all(JOB_TYPES.values())


@pytest.mark.parametrize("type_", JOB_TYPES)
def test_steps_are_those_of_the_plan_and_named_once(type_: JobType) -> None:
    names = [step.name for step in JOB_TYPES[type_]]
    assert tuple(names) == STEPS[type_]
    assert len(names) == len(set(names))


def test_opt_outs_are_heard_before_anything_that_needs_a_model() -> None:
    assert POST_PROCESS[0].name == "opt_out_and_bounce"
    assert POST_PROCESS[0].dependency is None


@pytest.mark.parametrize(
    ("type_", "label"), [("message.classified.v1", "Meeting Requested"), ("lead.state.changed.v1", None)]
)
def test_only_a_classification_tells_a_label(type_: str, label: str | None) -> None:
    event = Codec().decode(type_, (GOLDEN / f"{type_}.json").read_bytes())
    found = label_of(event)
    assert (found.label if found else None) == label
    assert found is None or found.label_at == event.sent_at
