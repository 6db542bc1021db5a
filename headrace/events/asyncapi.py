"""The AsyncAPI 3.0 document of every topic and event, generated from the declarations the program itself runs on.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import re
from typing import Any

import msgspec

from headrace.events.codec import EVENT_TYPES, wire_type
from headrace.events.topics import ALL_TOPICS, DEAD_LETTERS, WEBHOOK_TOPICS, Topic, record_limit
from headrace.events.webhooks import WEBHOOK_RECEIVED

_WEBHOOK = "webhook.received"
_DEAD_LETTER = "dead-letter"
_SCHEMA_REF = "#/components/schemas/{name}"

_ENVELOPE = {
    "type": "object",
    "description": "CloudEvents 1.0 in Kafka's binary mode, W3C trace context, and lineage.",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string"},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string"},
        "ce_receiptid": {"type": "string", "description": "The webhook that caused it all."},
        "ce_workspace": {"type": "string"},
        "ce_provider": {"type": "string"},
        "ce_correction": {
            "type": "string",
            "description": "The run whose replay corrected an earlier record of the same id; it asks for no work.",
        },
        "ce_letter": {
            "type": "string",
            "description": "The dead letter it was before a person sent it again, such as webhooks.ghl:3:1207:dedupe.",
        },
        "ce_generation": {"type": "string", "description": "How often that letter was sent again by then."},
        "content-type": {"type": "string"},
        "traceparent": {"type": "string"},
    },
}


def asyncapi_document(prefix: str, version: str) -> dict[str, Any]:
    """The document. `prefix` is the installation's topic prefix, `version` the program's."""
    events = {name: cls for name, (cls, _) in EVENT_TYPES.items()}
    schemas, definitions = msgspec.json.schema_components(events.values(), ref_template=_SCHEMA_REF)
    payloads = dict(zip(events, schemas, strict=True))
    messages = {name: _event_message(name, payloads[name]) for name in events}
    messages |= {_WEBHOOK: _webhook_message(), _DEAD_LETTER: _dead_letter_message()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Headrace",
            "version": version,
            "description": "Provider webhooks, and the facts derived from them, on Kafka.",
        },
        "defaultContentType": "application/json",
        "channels": {_identifier(topic.name): _channel(topic, prefix) for topic in ALL_TOPICS},
        "operations": {key: value for topic in ALL_TOPICS for key, value in _operations(topic).items()},
        "components": {
            "messages": {_identifier(name): message for name, message in messages.items()},
            "schemas": {name: definitions[name] for name in sorted(definitions)},
            "messageTraits": {"envelope": {"headers": _ENVELOPE}},
        },
    }


def events_of(topic: Topic) -> tuple[str, ...]:
    """The names of the messages a topic carries."""
    if topic in WEBHOOK_TOPICS:
        return (_WEBHOOK,)
    return (_DEAD_LETTER, *topic.events) if topic == DEAD_LETTERS else topic.events


def _channel(topic: Topic, prefix: str) -> dict[str, Any]:
    return {
        "address": topic.physical(prefix),
        "title": topic.name,
        "description": f"{topic.carries.capitalize()}. Key: {topic.key}, raw UTF-8. {_kept(topic)}",
        "messages": {
            _identifier(name): {"$ref": f"#/components/messages/{_identifier(name)}"} for name in events_of(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.physical(prefix),
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "max.message.bytes": record_limit(topic.name),
                    "retention.ms": -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000),
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "Compacted: the newest record of a key counts, a tombstone removes it."
    return "Kept for ever." if topic.retention is None else f"Kept for {topic.retention.days} days."


def _operations(topic: Topic) -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{_identifier(topic.name)}"}
    written = {_operation_id("send", topic): {"action": "send", "channel": channel, "title": f"By {topic.writer}"}}
    readers = ", ".join(topic.readers)
    return written | {
        _operation_id("receive", topic): {"action": "receive", "channel": channel, "title": f"By {readers}"}
    }


def _operation_id(verb: str, topic: Topic) -> str:
    return f"{verb}_{_identifier(topic.name)}"


def _event_message(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    cls, version = EVENT_TYPES[name]
    return {
        "name": wire_type(name, version),
        "title": cls.__name__,
        "summary": (cls.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": payload,
    }


def _webhook_message() -> dict[str, Any]:
    return {
        "name": WEBHOOK_RECEIVED,
        "title": "WebhookReceived",
        "summary": "A provider's request body, byte for byte; a JSON object except in quarantine.",
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "headers": {
            "type": "object",
            "properties": {
                "ce_timezone": {"type": "string", "description": "The workspace's time zone at that moment."},
                "ce_query": {"type": "string", "description": "JSON object of the query, without secrets."},
                "ce_quarantinereason": {"type": "string"},
            },
        },
        "payload": {},
    }


def _dead_letter_message() -> dict[str, Any]:
    return {
        "name": _DEAD_LETTER,
        "title": "DeadLetter",
        "summary": "A record nobody could process, as it was; origin and reason in headers beside its own.",
        "payload": {},
    }


def _identifier(name: str) -> str:
    """AsyncAPI's map keys allow letters, digits, `.`, `-` and `_`; references read better without dots."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)
