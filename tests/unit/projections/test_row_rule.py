"""Folding a batch to one row a key: the newest wins, rollups move, order does not matter."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.tables import proj_metadata
from projections.writing.row_rule import Row, RowRule

TABLES = proj_metadata(1).tables
START = datetime(2026, 3, 2, tzinfo=UTC)


def activity(offset: int, minutes: int, inbound: bool) -> Row:
    time = START + timedelta(minutes=minutes)
    values: dict[str, Any] = {
        "workspace_id": "w",
        "lead_id": "l",
        "first_message_at": time,
        "last_message_at": time,
        "first_inbound_at": time if inbound else None,
        "last_inbound_at": time if inbound else None,
        "first_outbound_at": None if inbound else time,
        "last_outbound_at": None if inbound else time,
        "receipt_id": f"r{offset}",
        "src_topic": "messages",
        "src_partition": 0,
        "src_offset": offset,
        "proj_rev": 1,
    }
    return Row("lead_activity", (0, offset), values)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=20), st.randoms())
def test_rollups_fold_the_same_in_any_order(moves: list[tuple[int, bool]], random: Any) -> None:
    rule = RowRule(TABLES["proj_v1.lead_activity"])
    rows = [activity(offset, minutes, inbound) for offset, (minutes, inbound) in enumerate(moves)]
    (expected,) = rule.fold(rows)
    shuffled = [*rows, *rows]
    random.shuffle(shuffled)
    assert rule.fold(shuffled) == [expected]
    times = [START + timedelta(minutes=minutes) for minutes, _ in moves]
    assert (expected["first_message_at"], expected["last_message_at"]) == (min(times), max(times))
    assert expected["receipt_id"] == f"r{len(rows) - 1}"
    inbound = [START + timedelta(minutes=minutes) for minutes, is_inbound in moves if is_inbound]
    assert expected["last_inbound_at"] == (max(inbound) if inbound else None)


@given(st.permutations([(0, 1), (0, 7), (1, 0), (1, 3)]))
def test_the_highest_version_wins(versions: list[tuple[int, int]]) -> None:
    rule = RowRule(TABLES["proj_v1.lead_merges"])
    rows = [
        Row("lead_merges", version, {"workspace_id": "w", "lead_id": "l", "into_lead_id": str(version)})
        for version in versions
    ]
    assert [row["into_lead_id"] for row in rule.fold(rows)] == ["(1, 3)"]


def test_rows_are_written_in_the_order_of_their_keys() -> None:
    rule = RowRule(TABLES["proj_v1.lead_merges"])
    rows = [Row("lead_merges", (0, n), {"workspace_id": "w", "lead_id": key}) for n, key in enumerate("cab")]
    assert [row["lead_id"] for row in rule.fold(rows)] == ["a", "b", "c"]
