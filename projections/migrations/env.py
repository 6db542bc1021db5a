"""Alembic's entry: runs the migrations on the connection `projections.migrate` hands over."""

from alembic import context

from projections.migrate import VERSION_TABLE
from projections.tables import CTL_SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    version_table_schema=CTL_SCHEMA,
)
context.run_migrations()
