"""One workspace's line to one provider: calls on it share a deadline and an allowance."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.allowances import Standing
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.judging import Dialect, judge
from streams.effects.outcome import (
    AccountHeld,
    CantTell,
    Evidence,
    Found,
    LookUp,
    NotFound,
    NotReached,
    Outcome,
    RateLimited,
    Refused,
    Unknown,
)


class Account:
    """Calls with one workspace's credentials until `deadline` seconds from now have passed, all calls together."""

    def __init__(
        self,
        caller: Caller,
        credentials: ApiCredentials,
        deadline: float,
        *,
        dialect: Dialect,
        standing: Callable[[Answer], Standing],
        limited_as: str,
    ) -> None:
        self._caller = caller
        self._credentials = credentials
        self._ends = asyncio.get_running_loop().time() + deadline
        self._dialect = dialect
        self._standing = standing
        self._limited_as = limited_as

    async def answer(self, call: Call) -> Answer | NotReached | Unknown:
        """The whole answer, or how the call broke off."""
        loop = asyncio.get_running_loop()
        answer = await self._caller.call(call, max(0.0, self._ends - loop.time()))
        if isinstance(answer, Answer):
            standing = self._standing(answer)
            self._caller.allowances.note(self._credentials.provider, self._limited_as, standing, loop.time())
        return answer

    async def change(self, call: Call, *hidden: str, dialect: Dialect | None = None) -> Outcome:
        """The outcome of a call that changes something. No detail repeats a secret or one of the `hidden` texts."""
        answer = await self.answer(call)
        return judge(answer, dialect or self._dialect, (*self._credentials.secrets.values(), *hidden))

    async def look(self, call: Call, *named: str) -> Answer | CantTell:
        """The 200 to a call that only reads, with a list or object under one of the names; else it proves nothing.

        `[]` names an answer that is a list itself; without names it is any object.
        """
        answer = await self.answer(call)
        if isinstance(answer, Answer) and answer.status == 200:
            return (
                answer if _is_in_form(answer, named) else CantTell(reason="200 in another form than the documented one")
            )
        match judge(answer, self._dialect, self._credentials.secrets.values()):
            case RateLimited(retry_after=seconds):
                return CantTell(reason="rate limited", retry_after=seconds)
            case AccountHeld(reason=reason) | NotReached(reason=reason) | Unknown(reason=reason):
                return CantTell(reason=reason)
            case Refused(type=kind, http_status=status):
                return CantTell(reason=f"{status}: {kind}")
            case _:
                return CantTell(reason="an answer that is none")


def _is_in_form(answer: Answer, named: tuple[str, ...]) -> bool:
    if isinstance(answer.json, list):
        return "[]" in named
    return isinstance(answer.json, dict) and (
        not named or any(isinstance(answer.fields.get(name), list | dict) for name in named)
    )


def confirmation(answer: Answer, route: str, is_there: bool, asked_at: datetime) -> LookUp:
    """What an answer that could be read says about a suppression."""
    record = (route,) if is_there else ()
    evidence = Evidence(route=route, asked_at=asked_at, since=asked_at, until=asked_at, looked_at=1, record_ids=record)
    status = {"http_status": str(answer.status)}
    return Found(provider_ids=status, evidence=evidence) if is_there else NotFound(evidence=evidence)


def short_hash(*parts: str) -> str:
    """Stands for a key or account where one is named: nothing can be read out of it."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def segment(value: str) -> str:
    """A value as one part of a path, whatever it holds: `..` is no way up."""
    return value.replace(".", "%2E") if set(value) == {"."} else quote(value, safe="")


def missing(*names: str) -> AccountHeld:
    """What an account lacks before anything can be called."""
    return AccountHeld(reason=f"the workspace file lacks {' and '.join(names)}")


def not_answerable(*names: str) -> Refused:
    """What the message that is answered lacks."""
    return Refused(type="not_answerable", detail=f"the message answered came without {' and '.join(names)}")
