"""Access tokens that are always good: refreshed by one worker at a time, and stored before anybody uses them.

A refresh token counts once. So a refresher says that it begins, calls, and stores what it got before it gives the
access token to anybody. Should it die between the call and the store, the pair is lost: the account is held, and
somebody has to authorise it again.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import psycopg
import structlog

from headrace.workspaces.api_credentials import ApiCredentials
from headrace.workspaces.encryption import UndecryptableSecret
from streams.effects.clients.account import short_hash
from streams.effects.clients.allowances import as_seconds
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.oauth_pairs import Pair, PairStore, Tokens
from streams.effects.outcome import AccountHeld, NotReached, RateLimited

log = structlog.get_logger()

#: A token that ends sooner is refreshed first.
_MARGIN = timedelta(minutes=10)
_LOOK_AGAIN_S = 0.2
#: The call itself; far below the lease of a claim.
_CALL_S = 20.0
#: The refresh token was used up or withdrawn.
_REFUSED = frozenset({400, 401, 403})

#: Makes the call that refreshes, out of the refresh token.
Refreshing = Callable[[ApiCredentials, str], Call]
#: A token, or why there is none: nothing was sent yet.
Token = str | AccountHeld | NotReached | RateLimited


class OAuthTokens:
    """The tokens of all accounts of one worker."""

    def __init__(self, caller: Caller, store: PairStore) -> None:
        self._caller = caller
        self._store = store
        self._known: dict[str, Pair] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def token(self, credentials: ApiCredentials, refreshing: Refreshing, deadline: float) -> Token:
        """A good access token within `deadline` seconds, or why not."""
        name = _name(credentials)
        if (known := self._known.get(name)) is not None and self._is_good(known):
            return known.tokens.access
        try:
            async with asyncio.timeout(deadline), self._locks.setdefault(name, asyncio.Lock()):
                return await self._newest(name, credentials, refreshing)
        except TimeoutError:
            return NotReached(reason="no access token in time")
        except psycopg.Error as error:
            return NotReached(reason=f"the store of access tokens: {type(error).__name__}")
        except UndecryptableSecret:
            return AccountHeld(reason="no key of HEADRACE_SECRETS_KEY opens the account's tokens")

    async def refused(self, credentials: ApiCredentials, token: str) -> None:
        """The provider did not take a token: the next call gets another one."""
        known = self._known.pop(_name(credentials), None)
        if known is None or known.tokens.access != token:
            return
        try:
            await self._store.spoil(credentials, known.generation)
        except psycopg.Error as error:
            log.warning("access token not marked as refused", reason=type(error).__name__)

    async def _newest(self, name: str, credentials: ApiCredentials, refreshing: Refreshing) -> Token:
        while True:
            pair = await self._store.read(credentials)
            if self._is_good(pair):
                self._known[name] = pair
                return pair.tokens.access
            if await self._store.claim(credentials, pair):
                # Not cut short by the caller's deadline: what it got must be stored.
                return await asyncio.shield(self._refreshed(name, credentials, refreshing, pair))
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _refreshed(self, name: str, credentials: ApiCredentials, refreshing: Refreshing, pair: Pair) -> Token:
        answer = await self._caller.call(refreshing(credentials, pair.tokens.refresh), _CALL_S)
        if isinstance(answer, Answer) and answer.status == 200 and (fresh := _tokens(answer)) is not None:
            tokens, seconds = fresh
            await self._store.store(credentials, pair, tokens, self._caller.now() + timedelta(seconds=seconds))
            self._known[name] = await self._store.read(credentials)
            return self._known[name].tokens.access
        if isinstance(answer, NotReached) or (isinstance(answer, Answer) and answer.status == 429):
            await self._store.release(credentials, pair)
            return answer if isinstance(answer, NotReached) else RateLimited()
        if isinstance(answer, Answer) and answer.status in _REFUSED:
            await self._store.release(credentials, pair)
            reason = "the refresh token counts no longer: authorise the account again, and put its token into the file"
            return AccountHeld(reason=reason, http_status=answer.status)
        # It may have been used up. The claim stays for its lease, then it is tried once more.
        status = answer.status if isinstance(answer, Answer) else 0
        return AccountHeld(reason="no answer to a refresh: the token may be used up", http_status=status)

    def _is_good(self, pair: Pair) -> bool:
        return (
            bool(pair.tokens.access) and pair.expires_at is not None and pair.expires_at > self._caller.now() + _MARGIN
        )


def _name(credentials: ApiCredentials) -> str:
    """Another refresh token in the file is another chain of pairs."""
    return short_hash(credentials.workspace, credentials.provider, credentials.secrets.get("refresh_token", ""))


def _tokens(answer: Answer) -> tuple[Tokens, float] | None:
    fields = answer.fields
    access, refresh = fields.get("access_token"), fields.get("refresh_token")
    seconds = as_seconds(fields.get("expires_in"))
    if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh or seconds is None:
        return None
    return Tokens(access=access, refresh=refresh), seconds
