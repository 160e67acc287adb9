"""Alembic's entry: runs the migrations on the connection that `dialerd.adapters.storage.upgrading` hands over.

Never opens a connection itself: there is no alembic.ini and no address of a database here.
"""

from alembic import context

from dialerd.adapters.storage.tables import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SCHEMA,
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
