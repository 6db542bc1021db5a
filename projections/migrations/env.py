"""Alembic's entry: runs the migrations on the connection `projections.migrate` hands over.

The schema `ctl` has Alembic's own table in it: it comes with the first migration and goes with the last, in one
transaction with it.
"""

from alembic import context
from sqlalchemy.schema import CreateSchema, DropSchema

from projections.migrate import VERSION_TABLE
from projections.tables import CTL_SCHEMA

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table=VERSION_TABLE, version_table_schema=CTL_SCHEMA)
with context.begin_transaction():
    connection.execute(CreateSchema(CTL_SCHEMA, if_not_exists=True))
    context.run_migrations()
    if context.get_context().get_current_revision() is None:
        connection.exec_driver_sql(f"DROP TABLE {CTL_SCHEMA}.{VERSION_TABLE}")
        connection.execute(DropSchema(CTL_SCHEMA))
