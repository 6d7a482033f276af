"""Where strategy files are: the user's folder and the examples that come along."""

from pathlib import Path

from ktrdr.errors import NotFoundError
from ktrdr.settings import settings
from ktrdr.strategy.names import listed, nearest

SUFFIXES = (".yaml", ".yml")


def examples_folder() -> Path:
    """Return the folder of the example strategies."""
    installed = Path(__file__).parent / "examples"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "strategies"


def strategy_folders() -> tuple[Path, ...]:
    """Return the folders in which names are looked up, the user's before ours."""
    own, examples = settings().strategies, examples_folder()
    is_same = own.is_dir() and own.samefile(examples)
    return (own,) if is_same else (own, examples)


def list_strategies() -> list[Path]:
    """Return every strategy file, those of the same name in the user's folder once."""
    found: dict[str, Path] = {}
    for folder in strategy_folders():
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.suffix in SUFFIXES and path.is_file():
                found.setdefault(path.stem, path)
    return list(found.values())


def find_strategy(name_or_path: str) -> Path:
    """Return the file that ``name_or_path`` means.

    Parameters
    ----------
    name_or_path : str
        Path of a file, if it has a folder or a suffix; otherwise the name of a
        file, without suffix, in the user's folder or among the examples.

    Raises
    ------
    NotFoundError
        If there is none; names the nearest.
    """
    path = Path(name_or_path)
    if path.suffix in SUFFIXES or len(path.parts) > 1:
        if path.is_file():
            return path
        found = "is a folder" if path.is_dir() else "does not exist"
        raise NotFoundError(f"strategy file {name_or_path} {found}")
    return find_named_strategy(name_or_path)


def find_named_strategy(name: str) -> Path:
    """Return the file, in the user's folder or among the examples, called ``name``.

    Raises
    ------
    NotFoundError
        If there is none; names the nearest.
    """
    known = {path.stem: path for path in list_strategies()}
    if name in known:
        return known[name]
    hint = nearest(name, known) or f"expected one of {listed(known)}"
    folders = " and ".join(map(str, strategy_folders()))
    raise NotFoundError(f"no strategy named {name[:80]!r} in {folders}; {hint}")


def is_own(path: Path) -> bool:
    """Return whether the file at ``path`` is in the user's folder."""
    return path.parent == settings().strategies
