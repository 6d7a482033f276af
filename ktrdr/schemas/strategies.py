"""Strategies as they cross HTTP."""

from typing import Annotated, Any

from pydantic import Field

from ktrdr.schemas.document import Document
from ktrdr.schemas.problems import ProblemItem

StrategyYaml = Annotated[str, Field(max_length=256 * 1024)]


class StrategyText(Document):
    """A strategy's YAML text, whole."""

    text: StrategyYaml


class StrategySummary(Document):
    """One line about a strategy.

    Attributes
    ----------
    is_example : bool
        It comes with ktrdr; otherwise it is in the folder of one's own.
    n_features : int
        Features of the network; 0 if the strategy is not valid.
    description : str
        Its own, or the first problem.
    """

    name: str
    is_example: bool
    valid: bool
    timeframes: tuple[str, ...]
    n_features: int
    description: str


class SummaryLine(Document):
    """A topic and a line about it; an empty topic goes on with the one before."""

    topic: str
    line: str


class StrategyVerdict(Document):
    """Whether a strategy is valid, with all that is wrong or what it comes to.

    Attributes
    ----------
    name, digest : str or None
        None if it is not valid. The digest is of what it says, however written.
    features : tuple of str
        Feature ids in the order of the network's inputs.
    """

    valid: bool
    problems: tuple[ProblemItem, ...]
    name: str | None
    digest: str | None
    features: tuple[str, ...]
    summary: tuple[SummaryLine, ...]


class StrategyFeatures(Document):
    """Feature ids in the order of the network's inputs."""

    name: str
    digest: str
    features: tuple[str, ...]


class StrategyDetail(StrategyVerdict):
    """A strategy that is stored.

    Attributes
    ----------
    file : str
        Name by which it is looked up.
    text_digest : str
        SHA-256 of the text; the answer's ``ETag``.
    strategy : dict or None
        All its values, defaults included; None if it is not valid.
    """

    file: str
    is_example: bool
    text: str
    text_digest: str
    strategy: dict[str, Any] | None
