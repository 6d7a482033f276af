"""What the build of an image is called with."""

from dataclasses import dataclass
from pathlib import Path

from ktrdr.cli.kinfra.images.contract import Contract, Image
from ktrdr.cli.kinfra.images.torch_source import (
    TorchSource,
    find_torch,
    in_folder,
    wanted_torch,
)
from ktrdr.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the caller wants otherwise than the table has it.

    Attributes
    ----------
    platform : str
        Such as ``linux/arm64``.
    python : str or None
        Release of Python.
    wheels : Path or None
        Folder that holds torch's wheel.
    torch_index : str or None
        Package index to take torch from; ``default`` is the one that is configured.
    is_slim : bool
        Whether to build the target ``slim``.
    is_trimmed : bool
        Whether torch is freed of what no run needs.
    uses_cache : bool
        Whether layers of earlier builds may be taken.
    """

    platform: str
    python: str | None = None
    wheels: Path | None = None
    torch_index: str | None = None
    is_slim: bool = False
    is_trimmed: bool = True
    uses_cache: bool = True


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that tells one build from another.

    Attributes
    ----------
    image : Image
    wishes : Wishes
    arguments : dict of str to str
        Build arguments.
    wheels : Path or None
        Folder that the build takes torch from.
    note : str or None
        What is worth telling before the build.
    """

    image: Image
    wishes: Wishes
    arguments: dict[str, str]
    wheels: Path | None
    note: str | None

    @property
    def references(self) -> tuple[str, ...]:
        """Local names of what is built."""
        slim = "-slim" if self.wishes.is_slim else ""
        untrimmed = "" if self.wishes.is_trimmed else "-untrimmed"
        return tuple(f"{one}{slim}{untrimmed}" for one in self.image.references)

    @property
    def budget_mb(self) -> int | None:
        """Most that the result may weigh; None if the table sets no limit."""
        if not self.wishes.is_trimmed:
            return None
        is_slim = self.wishes.is_slim
        return self.image.slim_budget_mb if is_slim else self.image.budget_mb

    @property
    def options(self) -> list[str]:
        """Options of ``build`` that docker and podman share."""
        options = ["--file", self.image.dockerfile]
        options += ["--platform", self.wishes.platform]
        if self.wishes.is_slim:
            options += ["--target", "slim"]
        if not self.wishes.uses_cache:
            options.append("--no-cache")
        for name, value in self.arguments.items():
            options += ["--build-arg", f"{name}={value}"]
        if self.wheels is not None:
            options += ["--build-context", f"wheels={self.wheels}"]
        return options


def make_recipe(
    contract: Contract, image: Image, wishes: Wishes, identity: dict[str, str]
) -> Recipe:
    """Return how to build ``image``.

    Parameters
    ----------
    contract : Contract
    image : Image
    wishes : Wishes
    identity : dict of str to str
        Build arguments that tell which source it is: commit and time.

    Raises
    ------
    InputError
        If the wishes contradict the table, or the folder of wheels lacks torch.
    """
    _check(image, wishes)
    torch = _torch(contract, image, wishes)
    python = torch.python if torch else wishes.python or contract.python
    arguments = {"PYTHON_VERSION": python, **identity}
    if torch is not None and torch.index is not None:
        arguments["TORCH_INDEX"] = torch.index
    if not wishes.is_trimmed:
        arguments["TRIM"] = "no"
    return Recipe(
        image=image,
        wishes=wishes,
        arguments=arguments,
        wheels=torch.folder if torch else None,
        note=torch.note if torch else None,
    )


def _check(image: Image, wishes: Wishes) -> None:
    if wishes.platform not in image.platforms:
        raise InputError(
            f"{image.key} is not made for {wishes.platform}; "
            f"it is for {' and '.join(image.platforms)}"
        )
    if wishes.is_slim and image.slim_budget_mb is None:
        raise InputError(f"{image.key} has no target slim: it has a shell as it is")
    if image.accelerator == "none" and _touches_torch(wishes):
        raise InputError(
            f"{image.key} holds no torch: "
            "leave out --wheels, --torch-index and --untrimmed"
        )


def _touches_torch(wishes: Wishes) -> bool:
    return bool(wishes.wheels or wishes.torch_index or not wishes.is_trimmed)


def _torch(contract: Contract, image: Image, wishes: Wishes) -> TorchSource | None:
    wanted = wanted_torch(contract, image, wishes.platform, wishes.python)
    if wanted is None:
        return None
    if wishes.torch_index is not None:
        python = wishes.python or contract.python
        return TorchSource(python=python, index=wishes.torch_index)
    if wishes.wheels is not None:
        return in_folder(wanted, wishes.wheels)
    return find_torch(wanted)
