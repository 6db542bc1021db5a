"""The analysts' views: SQL files, one a view with its comments, each bound to one version of every table it reads."""

import re
from collections.abc import Mapping
from pathlib import Path

from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA
from projections.versions import bind, is_live, tables_in

#: In the order they build on each other. `lead_survivors` and `moved_messages` belong to the version's own schema.
VIEWS = (
    "lead_survivors",
    "moved_messages",
    "messages",
    "leads",
    "lead_identities",
    "webhook_receipts",
    "webhook_latency_hourly",
    "dead_letters",
    "projection_freshness",
    "jobs",
    "job_attempts",
    "job_steps",
    "job_outcomes_daily",
    "enrichments",
    "lead_states",
    "conversations",
    "sentiment_daily",
    "ai_interactions",
    "ai_cost_daily",
    "oldest_unprocessed",
    "drafts_to_review",
    "suppressions",
    "signals",
    "value_meanings",
    "needs_person",
)

_FILES = Path(__file__).parent / "views"
_LIVE = re.compile(r"\{live:(\w+)\}")


def view_sql(name: str, of: Mapping[str, str]) -> str:
    """The statements of one view file: first the view, then its comments. `of`: table → schema.

    CREATE OR REPLACE keeps grants and what builds on the view.
    """
    template = bind(_template(name).encode(), of).decode()
    for placeholder, schema in {"ctl": CTL_SCHEMA, "analytics": ANALYTICS_SCHEMA}.items():
        template = template.replace(f"{{{placeholder}}}", schema)
    return _LIVE.sub(lambda found: is_live(found[1]), template)


def tables_of(name: str) -> set[str]:
    """The tables, and views of a version, that a view reads or, for the latter, is."""
    return tables_in(_template(name).encode())


def _template(name: str) -> str:
    return (_FILES / f"{name}.sql").read_text(encoding="utf-8")
