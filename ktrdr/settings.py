"""Settings, read once at process start from ``KTRDR_*`` environment variables."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from ktrdr.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# A file of variables passes "~" on as it is, where a shell would replace it.
_Folder = Annotated[Path, AfterValidator(Path.expanduser)]


# Others read it in folders of their own, such as git in a worktree.
_AbsoluteFolder = Annotated[_Folder, AfterValidator(Path.absolute)]


def _http_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("expected a URL such as http://127.0.0.1:4318")
    return url


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
    store_url: str | None = Field(
        default=None,
        description="Artifact store: a folder, or such as `s3://bucket/prefix`.",
    )
    cache_mb: int = Field(
        default=2048,
        ge=0,
        description="Most that a worker keeps of a remote store on its disk, in MB.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL to use instead of the embedded one.",
    )
    database_password_file: _Folder | None = Field(
        default=None,
        description="File with the password that the URL of the database leaves out.",
    )
    api_url: str | None = Field(
        default=None, description="Backend that commands talk to."
    )
    api_token: SecretStr | None = Field(
        default=None, description="Token that commands show to the backend."
    )
    host: str = Field(
        default="127.0.0.1", description="Address that the backend listens on."
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port that the backend listens on."
    )
    trusted_proxies: str | None = Field(
        default=None,
        description="Addresses of proxies whose `X-Forwarded` headers are believed.",
    )
    max_body_mb: int = Field(
        default=2, ge=1, description="Largest request body, uploads aside, in MB."
    )
    max_upload_mb: int = Field(
        default=512,
        ge=1,
        description="Largest file of bars to upload, in MB, also once unpacked.",
    )
    worker_name: str | None = Field(
        default=None,
        description="Name of the worker; made of host, kind and port if left out.",
    )
    metrics_token_file: _Folder | None = Field(
        default=None,
        description="File with the token that others show to a worker's metrics.",
    )
    worker_host: str = Field(
        default="127.0.0.1",
        description="Address that a worker's health and metrics listen on.",
    )
    worker_port: int = Field(
        default=5002,
        ge=0,
        le=65535,
        description="First port to try for a worker's health and metrics.",
    )
    health_file: _Folder | None = Field(
        default=None,
        description="File in which a server tells where it answers health checks.",
    )
    accelerator: Literal["cpu", "cuda", "mps"] | None = Field(
        default=None,
        description="Accelerator that an image declares; torch must be built for it.",
    )
    stalled_after_s: float = Field(
        default=30.0,
        ge=1.0,
        description="Silence of a worker after which its jobs go to others, seconds.",
    )
    grace_s: float = Field(
        default=10.0,
        ge=0.0,
        description="Time that a stopping worker has for checkpoints, seconds.",
    )
    max_failures: int = Field(
        default=5,
        ge=1,
        description="Crashes and passing errors after which an operation is given up.",
    )
    retry_delay_s: float = Field(
        default=2.0,
        ge=0.0,
        description="Pause before the second attempt, seconds; doubled each time.",
    )
    environments: _AbsoluteFolder = Field(
        default_factory=lambda: user_data_path("ktrdr", appauthor=False) / "kinfra",
        description="Folder of what `kinfra` runs on this machine, for all checkouts.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that servers log."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Form of the servers' log."
    )
    otlp_endpoint: Annotated[str, AfterValidator(_http_url)] | None = Field(
        default=None,
        # What others who export traces read, after ours.
        validation_alias=AliasChoices(
            "KTRDR_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
        description="Collector of traces, by OTLP over HTTP; none are made without.",
    )

    @model_validator(mode="before")
    @classmethod
    def _take_password(cls, given: dict[str, Any]) -> dict[str, Any]:
        # Containers get secrets as files; the URL itself may be read by everybody.
        file, url = given.get("database_password_file"), given.get("database_url")
        if file is None:
            return given
        if url is None:
            raise ValueError("KTRDR_DATABASE_PASSWORD_FILE needs KTRDR_DATABASE_URL")
        return {**given, "database_url": _with_password(str(url), Path(file))}

    @property
    def store_location(self) -> str:
        """Folder or URL of the artifact store."""
        return self.store_url or str(self.home / "store")

    @property
    def store_path(self) -> Path:
        """Folder of the artifact store."""
        return self.home / "store"

    @property
    def run_path(self) -> Path:
        """Folder of what `ktrdr up` runs: state, logs, locks."""
        return self.home / "run"

    @property
    def postgres_path(self) -> Path:
        """Folder of the embedded PostgreSQL."""
        return self.home / "postgres"

    @property
    def checkpoints_path(self) -> Path:
        """Folder of the checkpoints of unfinished trainings."""
        return self.home / "checkpoints"

    @property
    def cache_path(self) -> Path:
        """Folder of copies of a remote artifact store's blobs."""
        return self.home / "cache" / "blobs"

    @property
    def reports_path(self) -> Path:
        """Folder into which reports are written unless told otherwise."""
        return self.home / "reports"


def _with_password(url: str, file: Path) -> str:
    parts = urlsplit(url)
    user, mark, host = parts.netloc.rpartition("@")
    if not mark or ":" in user:
        raise ValueError(
            "KTRDR_DATABASE_PASSWORD_FILE needs a KTRDR_DATABASE_URL that names a user "
            "and no password, such as postgresql://ktrdr@host/ktrdr"
        )
    try:
        password = file.expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {file} can't be read: {error}") from None
    if not password:
        raise ValueError(f"the file {file} is empty, expected a password")
    return urlunsplit(
        parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}")
    )


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
        problems = "; ".join(map(_told, error.errors()))
        raise InputError(f"the environment can't be used: {problems}") from None


def _told(problem: "ErrorDetails") -> str:
    # What concerns several variables has no place; its input would show them all.
    if not problem["loc"]:
        return problem["msg"].removeprefix("Value error, ")
    return (
        f"{_variable(str(problem['loc'][0]))} is {problem['input']!r}: {problem['msg']}"
    )


def _variable(field: str) -> str:
    # One that has names of its own is told by them.
    return field if field.isupper() else f"KTRDR_{field.upper()}"
