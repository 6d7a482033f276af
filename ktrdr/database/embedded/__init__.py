"""PostgreSQL that ktrdr brings itself: started for one folder, on loopback."""

from ktrdr.database.embedded.programs import MAJOR, programs_folder
from ktrdr.database.embedded.server import EmbeddedPostgres

__all__ = ["MAJOR", "EmbeddedPostgres", "programs_folder"]
