"""The table ``deploy/images.toml``: what each image is, holds and may weigh."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ktrdr.errors import InputError, NotFoundError

TABLE = Path("deploy/images.toml")
Accelerator = Literal["none", "cpu", "cuda"]
Role = Literal["serve", "training", "backtest"]
_Mb = Annotated[int, Field(ge=1)]


class Image(BaseModel):
    """One image, as the table describes it.

    Attributes
    ----------
    key : str
        What commands call it, such as ``worker-cpu``.
    name : str
        Repository without registry and owner, such as ``ktrdr-worker-cpu``.
    tags : tuple of str
        Local tags that ``make images`` gives it.
    title : str
        What it is for, in one line.
    dockerfile, lock : str
        Paths in the repository.
    accelerator : str
        What its torch is built for; ``none`` has no torch.
    platforms : tuple of str
        Such as ``linux/arm64``.
    must_import, must_not_import : tuple of str
        Modules that are there, and that are not.
    command : tuple of str
        What it starts by default: the first role that it does.
    does, refuses : tuple of str
        What its containers can be started as, and as what they must not start.
    ports : tuple of int
        Of the server it runs by default first.
    budget_mb, slim_budget_mb : int
        Most that it and its target ``slim`` may weigh, in MB on disk.
    pull_budget_mb : int or None
        Most that is pulled, zstd, in MB.
    seeds_mb : int
        What it weighed in the project's first version.
    ready_s : int
        Longest time from start to taking work, in seconds.
    published : bool
        Whether the workflow pushes it to a registry.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    name: Annotated[str, Field(pattern=r"^ktrdr-[a-z-]+$")]
    tags: Annotated[tuple[str, ...], Field(min_length=1)]
    title: str
    dockerfile: str
    lock: str
    accelerator: Accelerator
    platforms: Annotated[
        tuple[Literal["linux/amd64", "linux/arm64"], ...], Field(min_length=1)
    ]
    must_import: tuple[str, ...]
    must_not_import: tuple[str, ...]
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    does: tuple[Role, ...]
    refuses: tuple[Role, ...]
    ports: Annotated[tuple[int, ...], Field(min_length=1)]
    budget_mb: _Mb
    slim_budget_mb: _Mb | None = None
    pull_budget_mb: _Mb | None = None
    seeds_mb: _Mb
    ready_s: Annotated[int, Field(ge=1)]
    published: bool = True

    @property
    def reference(self) -> str:
        """Local name with its first tag, such as ``ktrdr-backend:prod``."""
        return f"{self.name}:{self.tags[0]}"

    @property
    def references(self) -> tuple[str, ...]:
        """Local name with each of its tags."""
        return tuple(f"{self.name}:{tag}" for tag in self.tags)


class _TorchBuilds(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu: str
    cuda: str


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    python: Annotated[str, Field(pattern=r"^3\.\d+$")]
    user: Annotated[str, Field(pattern=r"^\d+:\d+$")]
    entry_point: Annotated[tuple[str, ...], Field(min_length=1)]
    torch: _TorchBuilds
    images: dict[str, Image]


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The whole table.

    Attributes
    ----------
    root : Path
        Checkout that it lies in.
    python : str
        Release of Python in the images, such as ``3.13``.
    user : str
        Numbers of user and group.
    entry_point : tuple of str
        First process in the images, which starts the command.
    torch_builds : dict
        Accelerator to the name of torch's build, such as ``cu130``.
    torch_release : str
        Release of torch in all images that have it.
    images : tuple of Image
    """

    root: Path
    python: str
    user: str
    entry_point: tuple[str, ...]
    torch_builds: dict[Literal["cpu", "cuda"], str]
    torch_release: str
    images: tuple[Image, ...]

    def image(self, key: str) -> Image:
        """Return the image that is called ``key``.

        Raises
        ------
        NotFoundError
            If there is none; names those that there are.
        """
        for one in self.images:
            if one.key == key:
                return one
        known = ", ".join(one.key for one in self.images)
        raise NotFoundError(f"there is no image {key[:80]!r}; there are {known}")


def load_contract(root: Path | None = None) -> Contract:
    """Return the table of the checkout ``root``, by default the one that is run.

    Raises
    ------
    NotFoundError
        If there is no table: ktrdr runs from an installation without a checkout.
    InputError
        If the table can't be used; tells every problem.
    """
    root = root or Path(__file__).parents[4]
    document = _read(root / TABLE)
    project = _read(root / "pyproject.toml")
    release = project.get("tool", {}).get("ktrdr", {}).get("torch-version")
    if not isinstance(release, str):
        raise InputError(
            f"{root / 'pyproject.toml'} lacks torch-version below [tool.ktrdr]: "
            "expected the release of torch of all images"
        )
    try:
        found = _contract(root, document, release)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
        )
        raise InputError(f"{root / TABLE} can't be used: {problems}") from None
    _check_names(found)
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no {path}: images are built and checked from a checkout of "
            "ktrdr, with `kinfra` of its own environment"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML: {error}") from None


def _contract(root: Path, document: dict[str, Any], torch_release: str) -> Contract:
    images = document.get("images")
    if isinstance(images, dict):
        keyed = {
            key: {"key": key, **fields} if isinstance(fields, dict) else fields
            for key, fields in images.items()
        }
        document = {**document, "images": keyed}
    table = _Table.model_validate(document)
    return Contract(
        root=root,
        python=table.python,
        user=table.user,
        entry_point=table.entry_point,
        torch_builds={"cpu": table.torch.cpu, "cuda": table.torch.cuda},
        torch_release=torch_release,
        images=tuple(table.images.values()),
    )


def _check_names(contract: Contract) -> None:
    names = [name for image in contract.images for name in image.references]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"{contract.root / TABLE} can't be used: two images are called "
            f"{', '.join(twice)}"
        )
