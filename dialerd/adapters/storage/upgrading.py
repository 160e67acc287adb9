"""Brings the schema of a store up to date with Alembic, in one transaction.

Never runs while turns are taken, and never touches a file that another program made.
"""

from __future__ import annotations

import sqlite3
import threading

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from dialerd.model.errors import OurMistakeError
from dialerd.ports.store import StoreFailingError

_MIGRATIONS = "dialerd.adapters.storage:migrations"
_one_at_a_time = threading.Lock()  # Alembic's `context` is one for the whole process


def config() -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", _MIGRATIONS)
    return made


def engine_on(connection: sqlite3.Connection) -> Engine:
    """SQLAlchemy on a connection that stays ours: it is never closed from there."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def _begin(connected: Connection) -> None:
        # SQLite's driver would begin only before the first INSERT: the schema would change outside the transaction.
        connected.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def upgrade(place: str, connection: sqlite3.Connection) -> None:
    """Make or upgrade the schema.

    Raises StoreFailingError if the file is another program's, OurMistakeError if a newer dialerd made it, and
    sqlite3.Error; in all cases nothing has changed.
    """
    with _one_at_a_time:
        _upgrade(place, connection)


def _upgrade(place: str, connection: sqlite3.Connection) -> None:
    configured = config()
    scripts = ScriptDirectory.from_config(configured)
    try:
        with engine_on(connection).begin() as connected:
            found = MigrationContext.configure(connected).get_current_revision()
            if found == scripts.get_current_head():
                return
            if found is None:
                strangers = sorted(inspect(connected).get_table_names())
                if strangers:
                    tables = ", ".join(strangers[:5])
                    raise StoreFailingError(f"store {place}: made by another program (it has the tables {tables})")
            elif found not in {script.revision for script in scripts.walk_revisions()}:
                raise OurMistakeError(
                    f"store {place}: its schema {found} is newer than this dialerd, which knows up to "
                    f"{scripts.get_current_head()}: start the newer release, or restore the backup made before it"
                )
            configured.attributes["connection"] = connected
            command.upgrade(configured, "head")
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise
