"""One HTTP call, made once: what came back whole, or on which side of the first byte it broke off.

httpx's exceptions don't tell that side (a failed write is even swallowed while the answer is read), so httpcore's trace
does: before `send_request_headers.started` nothing was written. No connection is used twice: one that the provider
closed meanwhile would make a harmless failure an unknown outcome.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from streams.effects.clients.allowances import Allowances
from streams.effects.outcome import NotReached, Unknown

#: No answer of a documented route is near it.
_LARGEST_ANSWER = 8 * 1024 * 1024
#: Every span in which httpcore writes a request starts with an event that ends so, whatever the protocol version.
_FIRST_BYTE = ".send_request_headers.started"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a provider. `route` is the documented path with its placeholders: logs and limits name it."""

    method: str
    route: str
    url: str
    headers: Mapping[str, str] = {}
    query: Mapping[str, str | int | Sequence[str]] = {}
    #: Goes into the query of the request line only: neither httpx nor its logs see it.
    secret_query: Mapping[str, str] = {}
    json: Any = None
    #: application/x-www-form-urlencoded.
    form: Mapping[str, str] | None = None
    #: multipart/form-data, text fields only.
    multipart: Mapping[str, str] | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole HTTP answer."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.MsgspecError:
            return None

    @property
    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        found = self.json
        return found if isinstance(found, dict) else {}


class Caller:
    """Makes the calls of all clients. `allowances` keeps what answers said about limits, `now` dates evidence."""

    def __init__(self, verify: bool | str = True, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self._http = httpx.AsyncClient(
            transport=_OnceTransport(verify),
            # One deadline holds for the whole call instead.
            timeout=None,  # noqa: S113
            follow_redirects=False,
            headers=_HEADERS,
        )
        self.allowances = Allowances()

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._http.aclose()

    async def call(self, call: Call, deadline: float) -> Answer | NotReached | Unknown:
        """Makes the call within `deadline` seconds, all of it. Raises nothing but CancelledError."""
        progress = _Progress()
        try:
            async with asyncio.timeout(deadline):
                return await self._answer(call, progress)
        except TimeoutError:
            return progress.broken_off(f"no whole answer within {deadline:g} s")
        except httpx.TransportError as error:
            # Its text may quote an address or a header.
            return progress.broken_off(type(error).__name__)
        except (httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            return progress.broken_off(type(error).__name__)

    async def _answer(self, call: Call, progress: "_Progress") -> Answer | Unknown:
        request = self._http.build_request(
            call.method,
            call.url,
            headers=dict(call.headers),
            params=dict(call.query) or None,
            json=call.json,
            data=dict(call.form) if call.form is not None else None,
            files={name: (None, text) for name, text in call.multipart.items()} if call.multipart is not None else None,
            extensions={"trace": progress.trace, "secret_query": call.secret_query},
        )
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    return Unknown(reason="an answer of more than 8 MiB", http_status=response.status_code)
            return Answer(status=response.status_code, headers=response.headers, body=bytes(body))
        finally:
            await response.aclose()


#: An answer is taken as it comes: compressed ones could be any size.
_HEADERS = {"user-agent": "headrace", "accept": "application/json", "accept-encoding": "identity"}


class _Progress:
    """How far a call got."""

    def __init__(self) -> None:
        self._written = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        self._written = self._written or event.endswith(_FIRST_BYTE)

    def broken_off(self, why: str) -> NotReached | Unknown:
        return Unknown(reason=why) if self._written else NotReached(reason=why)


class _OnceTransport(httpx.AsyncBaseTransport):
    """A connection a request, no retries, and secrets put into the address beneath everything that logs one."""

    def __init__(self, verify: bool | str) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=verify, retries=0, http1=True, http2=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        secret = request.extensions.get("secret_query")
        if secret:
            url = request.url.copy_merge_params(dict(secret))
            request = httpx.Request(
                request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
            )
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
