"""The values of a strategy file, each with its line."""

from dataclasses import dataclass

from ktrdr.strategy.scalars import Scalar

Path = tuple[str | int, ...]
Value = Scalar | tuple["Value", ...] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the file: scalar, list or mapping.

    Attributes
    ----------
    line : int
        Line of its key, or where it has none, in which it begins.
    content : scalar, list of Node or dict of str to Node
        What it holds.
    is_broken : bool
        Whether a problem with it is known already.
    """

    line: int
    content: "Scalar | list[Node] | dict[str, Node]" = None
    is_broken: bool = False

    def child(self, step: str | int) -> "Node | None":
        """Return the entry or item called ``step``, None if there is none."""
        if isinstance(self.content, dict) and isinstance(step, str):
            return self.content.get(step)
        if isinstance(self.content, list) and isinstance(step, int):
            return self.content[step] if 0 <= step < len(self.content) else None
        return None

    def value(self) -> Value:
        """Return the plain value, lists as tuples."""
        if isinstance(self.content, dict):
            return {key: node.value() for key, node in self.content.items()}
        if isinstance(self.content, list):
            return tuple(node.value() for node in self.content)
        return self.content


def path_text(path: Path) -> str:
    """Return ``path`` as in ``nn_inputs[0].timeframes``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{shorten(step)}" if text else shorten(step)
    return text


def shorten(text: str, length: int = 60) -> str:
    """Return ``text`` on one line, of at most ``length`` characters."""
    line = " ".join(text[: 2 * length].splitlines())
    return line if len(line) <= length else line[: length - 3] + "..."
