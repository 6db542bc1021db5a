"""Events that only a newer program can read: what stands before them is processed, and their partitions wait there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from headrace.events.codec import NewerEvent, is_newer
from headrace.events.envelope import header_map
from headrace.events.records import Record

_Batch = dict[tuple[str, int], list[Record]]


async def process_readable(
    batch: Mapping[tuple[str, int], Sequence[Record]],
    process: Callable[[_Batch], Awaitable[object]],
    hold: Callable[[Sequence[Record]], Awaitable[None]],
) -> _Batch:
    """Process a batch up to the events of a newer program. Returns what was processed.

    `hold` gets the first such event of each partition that has one: nothing from there on may be processed.
    """
    whole = {partition: list(records) for partition, records in batch.items()}
    try:
        await process(whole)
    except NewerEvent:
        readable = {partition: before_newer(records) for partition, records in whole.items()}
        if readable == whole:
            raise
        await hold(
            [
                records[len(readable[partition])]
                for partition, records in whole.items()
                if len(readable[partition]) < len(records)
            ]
        )
        # Nothing has been done yet: agents read a whole batch before they send or write any of it.
        whole = {partition: records for partition, records in readable.items() if records}
        if whole:
            await process(whole)
    return whole


def before_newer(records: list[Record]) -> list[Record]:
    """The records before the first event of a newer program."""
    for number, record in enumerate(records):
        if is_newer(header_map(record.headers).get("ce_type", "")):
            return records[:number]
    return records
