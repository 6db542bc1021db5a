"""Schemas of answers: closed, complete, and what servers with strict schemas take."""

from typing import Any

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, ValidationError

from streams.ai.answers import Booking, Classified, Draft, FollowUpTiming, ReplyDecision, wire_schema
from streams.ai.tasks import ANSWERS

ALL = tuple(ANSWERS.values())
CHECKED_HERE = {
    "title", "description", "default", "format", "pattern", "minimum", "maximum", "exclusiveMaximum", "minLength",
    "maxLength", "maxItems",
}  # fmt: skip


def _without(node: Any, inside_names: bool = False) -> Any:
    if isinstance(node, list):
        return [_without(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {k: v for k, v in node.items() if inside_names or k not in CHECKED_HERE}
    return {k: _without(v, k in ("properties", "$defs")) for k, v in kept.items()}


@pytest.mark.parametrize("answer", ALL)
def test_schema_is_the_sdks_strict_one_without_what_we_check(answer: type[BaseModel]) -> None:
    assert wire_schema(answer) == _without(to_strict_json_schema(answer))


@pytest.mark.parametrize("answer", ALL)
def test_every_object_is_closed_and_complete(answer: type[BaseModel]) -> None:
    schema = wire_schema(answer)
    for node in (schema, *schema.get("$defs", {}).values()):
        assert node["additionalProperties"] is False
        assert set(node["required"]) == set(node["properties"])


def test_states_only_people_set_are_no_labels() -> None:
    labels = wire_schema(Classified)["properties"]["label"]["enum"]
    assert len(labels) == 12
    assert not {"New", "Snoozed"} & set(labels)


TIMING = '{"is_deferral":true,"day":%s,"clock":%s,"precision":"day","phrase":%s,"confidence":1}'
BROKEN: tuple[tuple[type[BaseModel], str], ...] = (
    (Draft, '{"outcome":"drafted","body":null}'),
    (Draft, '{"outcome":"drafted","body":"  "}'),
    (Draft, '{"outcome":"facts_missing","body":"Hi"}'),
    (ReplyDecision, '{"safe_to_send":true,"confidence":0.9,"concerns":["tone"]}'),
    (ReplyDecision, '{"safe_to_send":"yes","confidence":0.9,"concerns":[]}'),
    (ReplyDecision, '{"safe_to_send":false,"confidence":1.1,"concerns":["tone"]}'),
    (FollowUpTiming, TIMING % ('"2026-04-01"', "null", "null")),
    (FollowUpTiming, TIMING % ("null", '"09:00"', '"9"')),
    (FollowUpTiming, TIMING % ('"soon"', "null", '"soon"')),
    (Booking, '{"intent":"accepts_slot","slot_index":null,"proposed":[],"confidence":1}'),
    (Booking, '{"intent":"none","slot_index":0,"proposed":[],"confidence":1}'),
)  # fmt: skip


@pytest.mark.parametrize(("answer", "text"), BROKEN)
def test_answers_that_contradict_themselves_are_refused(answer: type[BaseModel], text: str) -> None:
    with pytest.raises(ValidationError):
        answer.model_validate_json(text)
