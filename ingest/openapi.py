"""Describes the webhook routes in OpenAPI: they are plain routes, which FastAPI does not look into."""

from collections.abc import Iterable
from typing import Any

from headrace.providers.adapter import Adapter
from ingest import problems
from ingest.problems import CONTENT_TYPE, Problem

_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
}
_ACCEPTED_SCHEMA = {
    "type": "object",
    "required": ["status", "receipt_id"],
    "additionalProperties": False,
    "properties": {
        # quarantined: kept, but nobody knows whose it is, or an adapter is defective.
        "status": {"enum": ["accepted", "quarantined"]},
        "receipt_id": {"type": "string", "format": "uuid"},
    },
}
_HEALTH_SCHEMA = {
    "type": "object",
    "required": ["status", "provider"],
    "properties": {"status": {"const": "ok"}, "provider": {"type": "string"}},
}
_WORKSPACE_PARAMETERS = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "schema": {"type": "string"},
        "description": "The workspace, where the payload names none.",
    }
    for name in ("workspace", "clientId")
]


def describe_webhooks(document: dict[str, Any], adapters: Iterable[Adapter], limit: int) -> dict[str, Any]:
    """Adds the webhook routes to an OpenAPI document. `limit`: bytes of the largest body."""
    paths = document.setdefault("paths", {})
    for adapter in adapters:
        for path, suffix in ((f"/webhooks/{adapter.name}", ""), (adapter.origin_path, "_origin")):
            paths[path] = {"post": _post(adapter, suffix, limit), "get": _get(adapter, suffix)}
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    return document


def _post(adapter: Adapter, suffix: str, limit: int) -> dict[str, Any]:
    refused = [
        problems.unreadable_body(),
        problems.unproven(),
        problems.body_too_slow(),
        problems.body_too_large(limit),
        problems.unsupported_media(),
        problems.unavailable(adapter.unavailable_status),
    ]
    return {
        "operationId": f"receive_{adapter.name}{suffix}",
        "summary": f"Receive a webhook of {adapter.name}",
        "description": "Answered 200 once the webhook is durable in Kafka.",
        "tags": ["webhooks"],
        "parameters": _WORKSPACE_PARAMETERS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": _json("Durable", _ACCEPTED_SCHEMA)} | {str(one.status): _refusal(one) for one in refused},
    }


def _get(adapter: Adapter, suffix: str) -> dict[str, Any]:
    return {
        "operationId": f"check_{adapter.name}{suffix}",
        "summary": f"Say that the route of {adapter.name} is up",
        "tags": ["webhooks"],
        "responses": {"200": _json("Up", _HEALTH_SCHEMA)},
    }


def _refusal(problem: Problem) -> dict[str, Any]:
    refusal = _json(problem.title, {"$ref": "#/components/schemas/Problem"}, CONTENT_TYPE)
    if problem.headers:
        refusal["headers"] = {name: {"schema": {"type": "string"}} for name in problem.headers}
    return refusal


def _json(description: str, schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema}}}
