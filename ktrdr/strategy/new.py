"""A new strategy file, begun from another one."""

import re
from pathlib import Path

from ktrdr.errors import ConflictError
from ktrdr.settings import settings
from ktrdr.strategy.files import find_strategy
from ktrdr.strategy.parse import parse_strategy, read_strategy_text
from ktrdr.strategy.saving import check_name

_NAME_LINE = re.compile(r"^name:.*$", re.MULTILINE)


def new_strategy(name: str, example: str = "minimal") -> Path:
    """Write a strategy called ``name``, comments included, and return its path.

    Parameters
    ----------
    name : str
        Of the strategy and, with ``.yaml``, of the file in the user's folder.
    example : str
        Name or path of the valid strategy to begin from.

    Raises
    ------
    InputError
        If ``name`` can't be a strategy's name.
    ConflictError
        If the file exists: nothing is ever overwritten.
    NotFoundError, StrategyError
        If there is no such example or it is invalid.
    """
    check_name(name)
    source = find_strategy(example)
    text = read_strategy_text(source)
    parse_strategy(text, str(source))
    begun = f"# {name}, begun from {source.name}.\n#\n" + _renamed(text, name)
    parse_strategy(begun, f"{name} begun from {source}")
    path = settings().strategies / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(begun)
    except FileExistsError:
        raise ConflictError(
            f"{path} exists already and stays as it is; choose another name"
        ) from None
    return path


def _renamed(text: str, name: str) -> str:
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return _NAME_LINE.sub(f"name: {name}", plain, count=1)
