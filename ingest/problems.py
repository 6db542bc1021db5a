"""Errors as RFC 9457 problem+json, one per reason: a sender's log then says what to change."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import Send

CONTENT_TYPE = "application/problem+json"
#: Seconds a sender is asked to wait while nothing can be stored.
RETRY_AFTER = 10


class Problem(Exception):
    """A request that can't be accepted. `slug` names the reason for programs, `detail` for people."""

    def __init__(
        self, status: int, slug: str, title: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(title)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.headers = headers or {}


def problem_document(problem: Problem, path: str) -> dict[str, Any]:
    """The JSON object. `path` has no query, which may hold a secret."""
    return {
        "type": f"urn:headrace:problem:{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
    }


async def send_problem(problem: Problem, path: str, send: Send, *, body: bool = True) -> None:
    """Answers a request with a problem; `body` is False for HEAD."""
    await send_json(problem.status, problem_document(problem, path), send, CONTENT_TYPE, problem.headers, body=body)


async def send_json(
    status: int,
    document: object,
    send: Send,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
    *,
    body: bool = True,
) -> None:
    """One JSON answer straight to the server: a response object costs more than it gives here."""
    content = msgspec.json.encode(document)
    raw = [(b"content-type", content_type.encode()), (b"content-length", str(len(content)).encode())]
    raw += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content if body else b""})


def unknown_provider(known: str) -> Problem:
    """404."""
    return Problem(
        404, "unknown-provider", "Unknown provider", f"The path names no known provider. Known are: {known}."
    )


def method_not_allowed(allowed: str) -> Problem:
    """405."""
    detail = f"Webhooks are posted; GET answers whether the route is up. Allowed: {allowed}."
    return Problem(405, "method-not-allowed", "Method not allowed", detail, {"allow": allowed})


def bad_http() -> Problem:
    """400: the bytes are no HTTP request."""
    return Problem(400, "bad-http", "Bad request", "The bytes that arrived are not an HTTP/1.1 request.")


def head_too_slow() -> Problem:
    """408."""
    detail = "The head of the request did not arrive in time. Send the request again."
    return Problem(408, "head-too-slow", "Request timeout", detail)


def head_too_large(headers: int, size: int) -> Problem:
    """431."""
    detail = f"The head of the request has more than {headers} header fields or {size} bytes, or so has its end."
    return Problem(431, "head-too-large", "Request header fields too large", detail)


def body_too_slow() -> Problem:
    """408."""
    detail = "The body did not arrive in time. Send the webhook again."
    return Problem(408, "body-too-slow", "Body too slow", detail, {"connection": "close"})


def body_too_large(limit: int) -> Problem:
    """413."""
    detail = f"The body is larger than the {limit} bytes this installation accepts."
    return Problem(413, "body-too-large", "Body too large", detail, {"connection": "close"})


def unsupported_media() -> Problem:
    """415."""
    detail = "The body must not be compressed: send it without content-encoding."
    return Problem(415, "unsupported-media-type", "Unsupported media type", detail)


def bad_query() -> Problem:
    """400."""
    return Problem(
        400, "bad-query", "Unreadable query", "The query string has too many parameters; nothing was stored."
    )


def unreadable_body() -> Problem:
    """400: kept in quarantine all the same."""
    detail = "The body is not a JSON object. It was kept in quarantine for inspection; do not send it again as it is."
    return Problem(400, "unreadable-body", "Unreadable body", detail)


def unproven() -> Problem:
    """401. One wording for every reason, so that an answer tells a stranger nothing about the workspaces."""
    detail = (
        "The webhook carries no valid proof of its sender. Check the secret or signature set up at the provider "
        "against the workspace's secrets; nothing was stored."
    )
    return Problem(401, "unproven-sender", "Unproven sender", detail, {"www-authenticate": 'Bearer realm="headrace"'})


def unavailable(status: int, *, is_read: bool = True) -> Problem:
    """429 or 503, whichever makes the provider send the webhook again. The rest of an unread body is not waited for."""
    detail = f"The webhook can't be stored at the moment. Send it again in {RETRY_AFTER} seconds or later."
    headers = {"retry-after": str(RETRY_AFTER)} | ({} if is_read else {"connection": "close"})
    return Problem(status, "storage-unavailable", "Storage unavailable", detail, headers)


def unmatched() -> Problem:
    """404 outside the webhook routes."""
    return Problem(404, "not-found", "Not found", "Nothing is served at this path. Webhooks go to /webhooks/….")


def internal_error() -> Problem:
    """500: a defect of Headrace."""
    detail = "A defect of Headrace stopped this request; its log has the details. Send the webhook again later."
    return Problem(500, "internal-error", "Internal error", detail)
