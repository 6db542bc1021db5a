"""The analysts' views: SQL files, one a view with its comments, each bound to one version of every table it reads."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from projections.registry import ALL_PROJECTIONS
from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA
from projections.versions import bind, is_live, live_schemas, schemas, tables_in

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
)

_FILES = Path(__file__).parent / "views"
#: Views that have changed since, in the folder of the last revision that had them so.
_EARLIER = _FILES / "earlier"
_LIVE = re.compile(r"\{live:(\w+)\}")


def create_views(
    connection: Connection, version: int | None = None, names: Sequence[str] = VIEWS, as_of: str | None = None
) -> None:
    """Create the views, or point them elsewhere: CREATE OR REPLACE keeps grants and what builds on them.

    Without a version they read what is live. The first migrations name the version they make. `as_of`: the views as
    they were at that revision.
    """
    if version is None:
        of = live_schemas(connection.connection.driver_connection)  # type: ignore[arg-type]
    else:
        of = schemas({projection.name: version for projection in ALL_PROJECTIONS})
    for name in names:
        # Without parameters a percent sign in a comment is just that.
        connection.exec_driver_sql(view_sql(name, of, as_of), execution_options={"no_parameters": True})


def view_sql(name: str, of: Mapping[str, str], as_of: str | None = None) -> str:
    """The statements of one view file: first the view, then its comments. `of`: table → schema."""
    template = bind(_template(name, as_of).encode(), of).decode()
    for placeholder, schema in {"ctl": CTL_SCHEMA, "analytics": ANALYTICS_SCHEMA}.items():
        template = template.replace(f"{{{placeholder}}}", schema)
    return _LIVE.sub(lambda found: is_live(found[1]), template)


def tables_of(name: str) -> set[str]:
    """The tables, and views of a version, that a view reads or, for the latter, is."""
    return tables_in(_template(name).encode())


def _template(name: str, as_of: str | None = None) -> str:
    since = [] if as_of is None else sorted(folder for folder in _EARLIER.iterdir() if folder.name >= as_of)
    files = (folder / f"{name}.sql" for folder in (*since, _FILES))
    return next(file for file in files if file.exists()).read_text(encoding="utf-8")
