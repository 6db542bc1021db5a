"""What goes wrong, in which order: rules that tests script, counted down as requests meet them."""

import random
from typing import Literal

import msgspec

#: Before the work the provider did nothing; after it, it did, and only the answer is lost.
Fault = Literal[
    "rate_limited",  # 429 with Retry-After
    "rate_limited_bare",  # 429 that names no time
    "unauthorised",  # 401
    "error_before",  # `status` (500 unless given) before the work
    "error_after",
    "reset_before",  # the connection is reset
    "reset_after",
    "close_before",  # the connection ends without an answer
    "close_after",
    "silence_before",  # no answer for `seconds`, then the connection ends
    "silence_after",
    "half_answer",  # the work is done, and the answer breaks off in its middle
    "error_inside",  # 200 with an error inside, nothing done
    "page",  # 200 with an HTML page, nothing done: somebody's proxy
    "slow",  # answers after `seconds`
    "twice",  # the answer comes twice on the connection
    "lag",  # look-ups don't show what was done for `seconds`
    "no_echo",  # no webhook tells of it
    "echo_twice",
    "without_id",  # answers without the id of what was done
]


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One scripted fault. Without conditions it meets every request."""

    fault: Fault
    provider: str = ""
    #: The route's name in the contract: `send`, `export` …
    route: str = ""
    #: Meets only requests whose body, path or query holds this.
    contains: str = ""
    #: How many requests it meets; None for all from now on.
    times: int | None = None
    #: Lets so many pass first.
    after: int = 0
    #: Meets this share of requests, by the script's own seeded chance.
    share: float = 1.0
    status: int = 500
    seconds: float = 30.0


class Script:
    """The rules of a run, the oldest that meets a request decides."""

    def __init__(self, seed: int = 0) -> None:
        self.rules: list[Rule] = []
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def add(self, *rules: Rule) -> None:
        """Rules come behind those there are."""
        self.rules.extend(rules)

    def clear(self) -> None:
        """No rule is left."""
        self.rules.clear()

    def rule_for(self, provider: str, route: str, text: str) -> Rule | None:
        """The rule that meets a request, counted down."""
        for rule in list(self.rules):
            if not _meets(rule, provider, route, text):
                continue
            if rule.after > 0:
                rule.after -= 1
                continue
            if rule.share < 1.0 and self._chance.random() >= rule.share:
                continue
            if rule.times is not None:
                rule.times -= 1
                if rule.times <= 0:
                    self.rules.remove(rule)
            return rule
        return None


def _meets(rule: Rule, provider: str, route: str, text: str) -> bool:
    return rule.provider in ("", provider) and rule.route in ("", route) and rule.contains in text
