"""The views' SQL fits what it reads."""

from itertools import pairwise

import pytest

from ingest.latency import BOUNDS_US
from projections.analytics import VIEWS, view_sql
from projections.registry import ALL_PROJECTIONS
from projections.versions import schemas


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_bound_to_one_version(name: str) -> None:
    sql = view_sql(name, schemas({projection.name: 7 for projection in ALL_PROJECTIONS}))
    assert "proj_v1" not in sql
    assert "{" not in sql.replace("'{}'", "")


def test_each_table_is_read_in_the_version_of_its_projection() -> None:
    versions = {projection.name: 1 for projection in ALL_PROJECTIONS} | {"leads": 2}
    sql = view_sql("oldest_unprocessed", schemas(versions))
    assert ("proj_v2.messages" in sql, "proj_v1.jobs" in sql, "proj_v1.messages" in sql) == (True, True, False)


def test_latency_buckets_are_as_narrow_as_the_view_assumes() -> None:
    assert all(high / low <= 2**0.25 * 1.01 for low, high in pairwise(BOUNDS_US))
