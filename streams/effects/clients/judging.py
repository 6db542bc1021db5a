"""What an answer means: the same ladder for every provider, who says only what differs.

Nothing was done if the provider says so in its own words, or if who asked was not let in. Everything else that is no
clear yes is unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from streams.effects.clients.allowances import Standing, as_seconds, seconds_of
from streams.effects.clients.calling import Answer
from streams.effects.outcome import (
    AccountHeld,
    NotReached,
    Outcome,
    ProviderIds,
    RateLimited,
    Refused,
    Sent,
    Unknown,
)

_LONGEST_DETAIL = 300
#: So many letters in a row that a hidden text has, too, are a quotation of it.
_QUOTE = 10
#: The request was read and found wanting. 408, 409 and 425 are not here: something may have been done.
_REFUSING = frozenset({400, 404, 405, 410, 413, 415, 422, 501})


class Complaint(msgspec.Struct, frozen=True):
    """An error in the provider's own shape."""

    type: str
    message: str


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one provider says things."""

    #: The ids of what was done; None when a 2xx answer does not say that it was.
    done: Callable[[Answer], ProviderIds | None]
    #: The error in the provider's own shape; None when the body is something else.
    complaint: Callable[[Answer], Complaint | None]
    #: What a complaint means where the status alone misleads; None where it doesn't.
    special: Callable[[Answer, Complaint], Outcome | None] = lambda _answer, _complaint: None
    #: Statuses that hold the account.
    holding: frozenset[int] = frozenset({401, 403})


def judge(answer: Answer | NotReached | Unknown, dialect: Dialect, hidden: Iterable[str] = ()) -> Outcome:
    """The outcome of a call that changes something. `hidden` are texts and secrets that no detail may repeat."""
    if not isinstance(answer, Answer):
        return answer
    if 200 <= answer.status < 300:
        ids = dialect.done(answer)
        if ids is None:
            return Unknown(reason=f"{answer.status} that does not say it was done", http_status=answer.status)
        return Sent(provider_ids=ids, http_status=answer.status)
    complaint = dialect.complaint(answer)
    special = dialect.special(answer, complaint) if complaint is not None else None
    return _without(special or _not_done(answer, complaint, dialect), hidden)


def _not_done(answer: Answer, complaint: Complaint | None, dialect: Dialect) -> Outcome:
    """The outcome of an answer that is no 2xx."""
    status = answer.status
    if status == 429:
        return RateLimited(retry_after=retry_after(answer))
    if status in dialect.holding:
        reason = complaint.message if complaint else "not let in"
        return AccountHeld(reason=f"{status}: {reason}", http_status=status)
    if status in _REFUSING and complaint is not None:
        return Refused(type=complaint.type, detail=complaint.message, http_status=status)
    if status in (404, 405):
        reason = f"{status}, not in the provider's form: is `base_url` right?"
        return AccountHeld(reason=reason, http_status=status)
    return Unknown(reason=f"HTTP {status}", http_status=status)


def retry_after(answer: Answer) -> float | None:
    """Seconds by the header, else by a `retry_after` in the body or in its `error`; None when there is none."""
    header = seconds_of(answer.headers, "retry-after")
    if header is not None:
        return header
    error = answer.fields.get("error")
    inner = error.get("retry_after") if isinstance(error, dict) else None
    return as_seconds(answer.fields.get("retry_after", inner))


def standing_of(answer: Answer, resets_in: float | None) -> Standing:
    """What `x-ratelimit-remaining` and a 429 say. `resets_in`: seconds until there are calls again."""
    remaining = as_seconds(answer.headers.get("x-ratelimit-remaining"))
    return Standing(
        remaining=None if remaining is None else int(remaining),
        resets_in=resets_in,
        retry_after=retry_after(answer) if answer.status == 429 else None,
    )


def words_of(value: Any) -> str:
    """A message that is a string, or a list of them, as some validators send it."""
    if isinstance(value, list):
        return "; ".join(word for word in value if isinstance(word, str))
    return value if isinstance(value, str) else ""


def ids_of(source: Mapping[str, Any], **names: str) -> dict[str, str]:
    """The ids among fields of an answer, as text: `ids_of(fields, message_id="messageId")`."""
    found = {ours: source.get(theirs) for ours, theirs in names.items()}
    return {ours: str(value) for ours, value in found.items() if isinstance(value, str | int) and str(value)}


def _without(outcome: Outcome, hidden: Iterable[str]) -> Outcome:
    match outcome:
        case Refused():
            return msgspec.structs.replace(outcome, detail=_hide(outcome.detail, hidden))
        case AccountHeld() | Unknown():
            return msgspec.structs.replace(outcome, reason=_hide(outcome.reason, hidden))
        case _:
            return outcome


def _hide(words: str, hidden: Iterable[str]) -> str:
    """The words without secrets, and without what they quote of a text: some complaints repeat half of it."""
    words = words[: 2 * _LONGEST_DETAIL]
    for secret in filter(None, hidden):
        words = words.replace(secret, "…")
        quoted = {at for at in range(len(words) - _QUOTE + 1) if words[at : at + _QUOTE] in secret}
        covered = {at + more for at in quoted for more in range(_QUOTE)}
        words = "".join("" if at in covered else letter for at, letter in enumerate(words))
    return words[:_LONGEST_DETAIL]
