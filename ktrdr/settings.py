"""Settings, read once at process start from ``KTRDR_*`` environment variables."""

from functools import cache
from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ktrdr.errors import InputError

# A file of variables passes "~" on as it is, where a shell would replace it.
_Folder = Annotated[Path, AfterValidator(Path.expanduser)]


class Settings(BaseSettings):
    """Where ktrdr keeps its things and how it behaves."""

    model_config = SettingsConfigDict(
        env_prefix="KTRDR_", env_ignore_empty=True, frozen=True
    )

    home: _Folder = Field(
        default_factory=lambda: user_data_path("ktrdr", appauthor=False),
        description="Folder that holds data, models, results and checkpoints.",
    )
    strategies: _Folder = Field(
        default=Path("strategies"),
        description="Folder in which strategies are looked up by name.",
    )
    threads: int = Field(
        default=1,
        ge=1,
        description="Threads that one training uses; more than 1 rarely helps.",
    )

    @property
    def store_path(self) -> Path:
        """Folder of the artifact store."""
        return self.home / "store"

    @property
    def checkpoints_path(self) -> Path:
        """Folder of the checkpoints of unfinished trainings."""
        return self.home / "checkpoints"

    @property
    def reports_path(self) -> Path:
        """Folder into which reports are written unless told otherwise."""
        return self.home / "reports"


@cache
def settings() -> Settings:
    """Return the settings of this process.

    Raises
    ------
    InputError
        If a variable holds what its setting can't be; tells all of them.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"KTRDR_{str(one['loc'][0]).upper()} is {one['input']!r}: {one['msg']}"
            for one in error.errors()
        )
        raise InputError(f"the environment can't be used: {problems}") from None
