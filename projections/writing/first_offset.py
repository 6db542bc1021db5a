"""Where a projection reads on: where Postgres is, or behind what retention removed before it was projected."""

from collections.abc import Mapping

from projections.writing.writer import ProjectionWriter


async def first_offset(
    writer: ProjectionWriter, positions: Mapping[int, int], topic: str, partition: int, oldest: int
) -> int:
    """The first offset to project; what has expired is passed over and noted.

    `positions`: by partition, as the writer has them. `oldest`: the oldest offset the broker has.
    """
    position = positions.get(partition)
    if position is None:
        writer.begin_at(topic, partition, oldest)
        return oldest
    if position < oldest:
        await writer.pass_expired(topic, partition, position, oldest)
    return max(oldest, position)
