"""AiCalled → `ai_interactions`: one row for each try, kept for ever."""

from msgspec.structs import asdict

from headrace.events.ai import AiCalled
from headrace.events.envelope import read_attribute
from headrace.events.records import Record
from headrace.events.topics import AI_INTERACTIONS
from projections.projection import Projection, RowOp


def project_ai_call(record: Record, event: AiCalled) -> list[RowOp]:
    """The call. Its id is its event's: a repeated record stays one row."""
    row = asdict(event)
    row["workspace_id"] = row.pop("workspace")
    # Of use to budgets only, which are kept from the topic.
    del row["most_micro_usd"]
    row["is_injection_suspected"] = row.pop("injection_suspected")
    row["event_id"] = read_attribute(record.headers, "ce_id")
    return [RowOp("ai_interactions", row)]


PROJECTION = Projection(
    name="ai_interactions",
    topic=AI_INTERACTIONS,
    rev=1,
    tables=("ai_interactions",),
    projectors={AiCalled: project_ai_call},
)
