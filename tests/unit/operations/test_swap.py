"""Which version a promotion takes when none is named: never one that is older than what people read now."""

import pytest

from operations.versions.swap import SwapRefused, target_of_promotion, target_of_rollback
from projections.registry import ALL_PROJECTIONS
from projections.versions import Version, VersionState, shape_of

LEADS = next(one for one in ALL_PROJECTIONS if one.name == "leads")


def versions(*states: VersionState) -> list[Version]:
    return [
        Version(
            projection="leads",
            version=number,
            state=state,
            rev=LEADS.rev,
            shape=shape_of(LEADS),
            run_id=None,
            changed_at=None,
            problem=None,
        )
        for number, state in enumerate(states, start=1)
    ]


def test_the_newest_that_is_written_is_promoted() -> None:
    assert target_of_promotion(versions("live", "dual", "dual"), "leads", None).version == 3


def test_after_a_rollback_it_is_the_one_that_was_live_not_one_of_long_ago() -> None:
    found = versions("dual", "live", "previous")
    assert target_of_promotion(found, "leads", None).version == 3
    assert target_of_rollback(found, "leads").version == 3


def test_none_that_is_older_than_the_live_one_unless_it_is_named() -> None:
    found = versions("dual", "previous", "live")
    with pytest.raises(SwapRefused, match="None is newer"):
        target_of_promotion(found, "leads", None)
    assert target_of_promotion(found, "leads", 1).version == 1


def test_a_frozen_one_only_when_it_is_named() -> None:
    found = versions("live", "frozen")
    with pytest.raises(SwapRefused):
        target_of_promotion(found, "leads", None)
    assert target_of_promotion(found, "leads", 2).version == 2
