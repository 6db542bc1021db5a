"""The AsyncAPI document is valid AsyncAPI 3.0, and tells of every topic and event there is."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headrace.events.asyncapi import asyncapi_document, events_of
from headrace.events.codec import EVENT_TYPES
from headrace.events.topics import ALL_TOPICS

SCHEMA = Path(__file__).parent / "schemas" / "asyncapi-3.0.0.json"
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As printed: through JSON once."""
    printed: dict[str, Any] = json.loads(json.dumps(asyncapi_document("eu.", "1.2.3")))
    return printed


def test_document_is_valid_asyncapi(document: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_bytes())).validate(document)


def test_the_schema_would_notice_an_invalid_document(document: dict[str, Any]) -> None:
    broken = document | {"channels": {"x": {"address": 7}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_bytes())).validate(broken)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found is not None


def test_every_topic_and_every_event_is_described(document: dict[str, Any]) -> None:
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {f"eu.{topic.name}" for topic in ALL_TOPICS}
    carried = {name for topic in ALL_TOPICS for name in events_of(topic)}
    assert set(EVENT_TYPES) <= carried


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_golden_events_fit_the_described_payload(document: dict[str, Any], name: str) -> None:
    message = document["components"]["messages"][name.replace(".", "_")]
    schema = message["payload"] | {"components": document["components"]}
    golden = json.loads((GOLDEN / f"{message['name']}.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(golden)


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in _references(value)]
    return [reference for value in node for reference in _references(value)] if isinstance(node, list) else []
