"""As much of a Faust app as a follower asks: its generation, and whom to tell before partitions move."""

from types import SimpleNamespace
from typing import Any


def quiet_app(**attributes: Any) -> Any:
    """An app in its first generation, with nothing going on."""
    signal = SimpleNamespace(connect=lambda _handler, **_: None)
    return SimpleNamespace(
        consumer_generation_id=1,
        rebalancing=False,
        placed_topics=frozenset(),
        conf=SimpleNamespace(id="group"),
        on_partitions_revoked=signal,
        **attributes,
    )
