"""Which versions a worker keeps up to date, when programs with other tables work beside it."""

from projections.projectors.jobs import PROJECTION as JOB_HISTORY
from projections.projectors.leads import PROJECTION as LEADS
from projections.versions import Version, VersionState, followed, foreign, shape_of


def version(number: int, state: VersionState, shape: str | None = None, projection: str = "leads") -> Version:
    return Version(
        projection=projection,
        version=number,
        state=state,
        rev=1,
        shape=shape,
        run_id=None,
        changed_at=None,
        problem=None,
    )


OURS = shape_of(LEADS)
THEIRS = "0" * 16


def test_of_one_program_what_is_not_written_at_home_is_followed() -> None:
    found = [
        version(1, "live", OURS),
        version(2, "dual", OURS),
        version(3, "building", OURS),
        version(4, "frozen", OURS),
    ]
    assert followed(found, {"leads": 1}) == [found[1]]
    assert followed(found, {"leads": 2}) == [found[0]]
    assert followed(found, {}) == []


def test_what_only_another_program_can_write_is_left_to_it() -> None:
    found = [version(1, "live", THEIRS), version(2, "dual", OURS), version(1, "live", shape_of(JOB_HISTORY), "jobs")]
    assert foreign(found) == {"leads"}
    assert foreign(found, ("dual",)) == frozenset()
    assert followed(found, {}, alone={"leads"}) == [found[1]]


def test_beside_another_programs_workers_even_the_version_at_home_is_followed() -> None:
    """They hold partitions of the consumer group, and write another version from them."""
    old, new = version(1, "previous", THEIRS), version(2, "live", OURS)
    assert followed([old, new], {"leads": 2}) == [new]
    assert followed([version(1, "dropped", THEIRS), new], {"leads": 2}) == []


def test_the_first_version_without_a_note_is_everybodys() -> None:
    assert foreign([version(1, "live")], ("live",)) == frozenset()
