"""Kafka lost records that are rows: the worker stops and says what to do, and then the rows are what the log says."""

import asyncio
import json
import time
from collections import defaultdict

import pytest

from bench.replies import Replies
from bench.topics import Filling
from headrace.events.records import Record
from headrace.events.topics import Topic
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from projections.connection import connector
from projections.writing.writer import ProjectionWriter
from tests.databases import new_database
from tests.headrace_command import headrace
from tests.integration.projections.catching_up import TOPICS, contents, fill, until_caught_up
from tests.integration.projections.supervised import environment_of, supervised, until

pytestmark = pytest.mark.usefixtures("topics_created")


def lost_records(settings: Settings, numbers: range) -> dict[tuple[str, int], list[Record]]:
    """What stood behind the log's end before it was lost."""
    ends = {place: found.end for place, found in LogOffsets(settings).ranges(map(settings.topic, TOPICS)).items()}
    batch: dict[tuple[str, int], list[Record]] = defaultdict(list)
    replies = Replies()
    for topic, filling in (made for number in numbers for made in replies.of(number)):
        record = lost_record(settings, topic, filling, ends)
        batch[record.topic, record.partition].append(record)
    return batch


def lost_record(settings: Settings, topic: Topic, filling: Filling, ends: dict[tuple[str, int], int]) -> Record:
    place = (settings.topic(topic), key_partition(filling.key, settings.partitions))
    offset, ends[place] = ends[place], ends[place] + 1
    return Record(*place, offset, filling.key, filling.value, filling.headers, round(time.time() * 1000))


def row_count(settings: Settings) -> int:
    return sum(count for count, _ in contents(settings.database_url).values())


def project_log(settings: Settings) -> None:
    """All that the log has, as the worker would."""
    batch: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in read_ranges(settings, LogOffsets(settings).ranges(map(settings.topic, TOPICS))):
        batch[record.topic, record.partition].append(record)
    asyncio.run(project(settings, batch))


async def project(settings: Settings, batch: dict[tuple[str, int], list[Record]]) -> None:
    writer = ProjectionWriter(connector(settings.database_url), topic_prefix=settings.topic_prefix)
    await writer.write(batch)
    await writer.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("grown", [False, True], ids=["still shorter", "grown beyond the position again"])
def test_rows_of_lost_records_are_named_removed_and_the_log_is_read_again(
    settings: Settings, postgres_url: str, database_template: str, grown: bool
) -> None:
    fill(settings, range(40))
    project_log(settings)
    asyncio.run(project(settings, lost_records(settings, range(40, 60))))
    if grown:
        fill(settings, range(60, 100))
    with supervised(settings) as worker:
        until(lambda: worker.said("worker.ended"), "the worker stops")
        assert {line["error_class"] for line in worker.said("worker.ended")} <= {"LogCut", "Truncated"}
        assert "headrace proj truncated" in json.dumps(worker.lines())

    environment = environment_of(settings)
    plan = headrace(environment, "proj", "truncated")
    assert (plan.exit_code, "Nothing was done" in plan.output) == (0, True)
    assert "messages: workspace_id" in plan.output
    before = row_count(settings)
    outcome = json.loads(headrace(environment, "proj", "truncated", "--execute", "--json").stdout)
    lost = sum(sum(one["rows"].values()) for one in outcome["truncated"])
    assert outcome["executed"]
    assert lost == before - row_count(settings) > 0
    if not grown:
        fill(settings, range(60, 100))

    with supervised(settings) as worker:
        until_caught_up(settings)
        assert not worker.said("worker.ended")
    with new_database(postgres_url, database_template) as url:
        anew = settings.model_copy(update={"database_url": url})
        project_log(anew)
        assert contents(settings.database_url) == contents(url)
    assert "nothing to repair" in headrace(environment, "proj", "truncated").output
