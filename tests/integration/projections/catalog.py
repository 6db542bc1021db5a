"""Everything that tells two schemas apart, and the schema that is declared, to compare with the one migrations make."""

from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from projections.analytics import VIEWS, view_sql
from projections.connection import libpq_url
from projections.migrate import sqlalchemy_url
from projections.registry import ALL_PROJECTIONS
from projections.tables import ctl_metadata, proj_metadata
from projections.versions import schemas, shape_of

#: By kind: each object by its name, then all that is to be known of it.
_QUERIES = {
    "columns": """
        SELECT attrelid::regclass::text || '.' || attname, format_type(atttypid, atttypmod), attnotnull,
            pg_get_expr(adbin, adrelid)
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = ANY(%(schemas)s::text[]::regnamespace[]) AND relkind IN ('r', 'v')
            AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
    """,
    "indexes": """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid
        FROM pg_index
        JOIN pg_class ON pg_class.oid = indrelid
        WHERE relnamespace = ANY(%(schemas)s::text[]::regnamespace[]) AND relname <> 'alembic_version'
    """,
    "constraints": """
        SELECT conrelid::regclass::text || '.' || conname, contype, pg_get_constraintdef(oid), convalidated
        FROM pg_constraint
        WHERE connamespace = ANY(%(schemas)s::text[]::regnamespace[])
            AND conrelid IS DISTINCT FROM to_regclass('ctl.alembic_version')
    """,
    "views": """
        SELECT schemaname || '.' || viewname, definition
        FROM pg_views
        WHERE schemaname = ANY(%(schemas)s)
    """,
    "comments": """
        SELECT objoid::regclass::text, objsubid, description
        FROM pg_description
        JOIN pg_class ON pg_class.oid = objoid
        WHERE classoid = 'pg_class'::regclass AND relnamespace = ANY(%(schemas)s::text[]::regnamespace[])
    """,
    "grants": """
        SELECT pg_class.oid::regclass::text, privilege_type
        FROM pg_class, aclexplode(relacl) AS granted
        WHERE relnamespace = ANY(%(schemas)s::text[]::regnamespace[]) AND granted.grantee = to_regrole('analyst_ro')
        UNION ALL
        SELECT pg_namespace.oid::regnamespace::text, privilege_type
        FROM pg_namespace, aclexplode(nspacl) AS granted
        WHERE nspname = ANY(%(schemas)s::text[]) AND granted.grantee = to_regrole('analyst_ro')
        UNION ALL
        SELECT 'to come: ' || defaclnamespace::regnamespace::text, privilege_type
        FROM pg_default_acl, aclexplode(defaclacl) AS granted
        WHERE granted.grantee = to_regrole('analyst_ro')
    """,
}
_FOR_ANALYSTS = """
    GRANT USAGE ON SCHEMA analytics TO analyst_ro;
    GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO analyst_ro;
    ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO analyst_ro
"""
Catalog = dict[str, set[tuple[Any, ...]]]
#: Projection, version, state, revision of the projectors, shape of the tables.
Noted = list[tuple[str, int, str, int, str]]


def catalog(url: str) -> Catalog:
    """What there is in our schemas."""
    with psycopg.connect(libpq_url(url)) as connection:
        ours = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname IN ('analytics', 'ctl', 'proj_v1')")
        names = {"schemas": [name for (name,) in ours]}
        # Names of tables in definitions must not depend on the search path.
        connection.execute("SET search_path = pg_catalog")
        return {kind: set(connection.execute(query.encode(), names).fetchall()) for kind, query in _QUERIES.items()}


def differences(left: Catalog, right: Catalog) -> dict[str, tuple[list[Any], list[Any]]]:
    """What only one of two schemas has, by kind: only the left one, only the right one."""
    found = {kind: (_sorted(left[kind] - right[kind]), _sorted(right[kind] - left[kind])) for kind in _QUERIES}
    return {kind: lacking for kind, lacking in found.items() if lacking != ([], [])}


def _sorted(objects: set[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(objects, key=str)


def declare_schema(url: str) -> None:
    """Makes in an empty database what `projections/tables.py` and `projections/views` declare, as first version."""
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA ctl; CREATE SCHEMA proj_v1; CREATE SCHEMA analytics")
        ctl_metadata().create_all(connection)
        proj_metadata(1).create_all(connection)
        of = schemas({projection.name: 1 for projection in ALL_PROJECTIONS})
        for name in VIEWS:
            connection.exec_driver_sql(view_sql(name, of), execution_options={"no_parameters": True})
        connection.exec_driver_sql(_FOR_ANALYSTS)


def declared_versions() -> Noted:
    """What a new installation notes of the versions of its tables."""
    return sorted((one.name, 1, "live", one.rev, shape_of(one)) for one in ALL_PROJECTIONS)


def noted_versions(url: str) -> Noted:
    """What the workers are told: one that declares other tables does not write them."""
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.execute(
            "SELECT projection, version, state, rev, shape FROM ctl.projection_versions ORDER BY 1, 2"
        ).fetchall()
