"""The memory over a table answers as the one of dictionaries does, across batches."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.events.inbox import Identity
from headrace.kafka.faust.partition_table import Writes
from streams.pipeline.resolve import resolve
from streams.pipeline.table_leads import PartitionEntries, TableLeads
from tests.unit.streams.pipeline.resolving import MemoryLeads, email, identity, message

IDENTITIES = [
    *(email(f"p{n}@x.example") for n in range(4)),
    *(identity("ghl_contact_id", f"c{n}") for n in range(3)),
    identity("phone", "+13125550148"),
    email("p0@x.example", alias=True),
]


class Table:
    """A partition table without a changelog."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes | None] = {}

    def get(self, _partition: int, key: bytes) -> bytes | None:
        return self.entries.get(key)

    def write(self, writes: Writes) -> None:
        for entries in writes.values():
            self.entries |= entries


@given(st.lists(st.lists(st.sampled_from(IDENTITIES), min_size=1, max_size=3, unique=True), max_size=10), st.data())
def test_facts_come_out_alike_from_both_memories(facts: list[list[Identity]], data: st.DataObject) -> None:
    memory, identities, homes = MemoryLeads(), Table(), Table()
    writes: Writes = {}
    home_writes: Writes = {}
    for minute, names in enumerate(facts):
        if data.draw(st.booleans(), "a batch ends"):
            identities.write(writes)
            homes.write(home_writes)
            writes, home_writes = {}, {}
        fact = message(*names, minute=minute, message_id=data.draw(st.sampled_from(["m0", "m1", "m2"])))
        table = TableLeads(
            PartitionEntries(identities, 0, writes), PartitionEntries(homes, 0, home_writes), fact.workspace
        )
        assert resolve(fact, table) == resolve(fact, memory)


def test_a_lead_merged_a_thousand_times_over_is_found_in_one_step_afterwards() -> None:
    writes: Writes = {}
    entries = PartitionEntries(Table(), 0, writes)
    leads = TableLeads(entries, PartitionEntries(Table(), 0, {}), "acme")
    for number in range(1000):
        leads.merge(f"lead {number}", f"lead {number + 1}")
    assert leads.survivor("lead 0") == "lead 1000"
    assert entries.get(b"m\x1flead 0") == b"lead 1000"


def test_workspaces_know_nothing_of_each_other() -> None:
    writes: Writes = {}
    entries, homes = PartitionEntries(Table(), 0, writes), PartitionEntries(Table(), 0, {})
    fact = message(email("ann@x.example"))
    lead = resolve(fact, TableLeads(entries, homes, "acme"))[-1].lead_id
    assert TableLeads(entries, homes, "acme").holder(email("ann@x.example")).owner == lead
    assert TableLeads(entries, homes, "other").holder(email("ann@x.example")).owner == ""
