"""The parts of a homelab that are deployed by themselves, maybe each on its host."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ktrdr.errors import NotFoundError

AreaName = Literal["core", "workers", "gpu"]
_FILES: dict[AreaName, str] = {
    "core": "docker-compose.core.yml",
    "workers": "docker-compose.workers.yml",
    "gpu": "docker-compose.gpu-worker.yml",
}
HOMELAB = Path("deploy/environments/homelab")


@dataclass(frozen=True, kw_only=True)
class Area:
    """One part, in one folder of compose files.

    Attributes
    ----------
    file : Path
        Its compose file.
    """

    name: AreaName
    file: Path

    @property
    def has_database(self) -> bool:
        """Whether the database and its schema belong to it."""
        return self.name == "core"


def find_area(name: AreaName, folder: Path) -> Area:
    """Return the part ``name`` of the project in ``folder``.

    Raises
    ------
    NotFoundError
        If its compose file is not there.
    """
    file = folder.absolute() / _FILES[name]
    if not file.is_file():
        raise NotFoundError(
            f"there is no {file}: name the folder of the compose files with --folder, "
            f"by default it is {HOMELAB} of the checkout"
        )
    return Area(name=name, file=file)
