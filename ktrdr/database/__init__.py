"""PostgreSQL: connections, the schema and its migrations, the embedded server."""

from ktrdr.database.backups import Backup, backup
from ktrdr.database.current import DatabaseUse, database_in_use, database_url
from ktrdr.database.database import Connection, Database, Row
from ktrdr.database.embedded import EmbeddedPostgres
from ktrdr.database.liveness import check_connection
from ktrdr.database.queries import NamedQueries, load_queries
from ktrdr.database.restoring import Restored, restore
from ktrdr.database.schema import SchemaState, check_schema, schema_state, upgrade
from ktrdr.database.worker_role import allow_workers

__all__ = [
    "Backup",
    "Connection",
    "Database",
    "DatabaseUse",
    "EmbeddedPostgres",
    "NamedQueries",
    "Restored",
    "Row",
    "SchemaState",
    "allow_workers",
    "backup",
    "check_connection",
    "check_schema",
    "database_in_use",
    "database_url",
    "load_queries",
    "restore",
    "schema_state",
    "upgrade",
]
