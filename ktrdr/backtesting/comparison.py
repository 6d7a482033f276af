"""Whether a run that was repeated came out the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from ktrdr.models import Manifest
from ktrdr.schemas import ResultManifest

# What names or times a run, or the machine it ran on, and not what came out of it.
_NOT_COMPARED = frozenset(
    {
        "created_at",
        "environment",
        "version",
        "fit.seconds",
        "fit.cpu_capability",
        "fit.threads",
        "request.store",
    }
)
_ABSENT = "nothing"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that is not the same.

    Attributes
    ----------
    path : str
        Where in the manifest, such as ``measures.sharpe.value``.
    before, after : JSON value
        What it was and what it is; ``nothing`` where it does not exist.
    """

    path: str
    before: JsonValue
    after: JsonValue


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What differs between a run and its repetition.

    Attributes
    ----------
    results : tuple of Difference
        In what came out: weights, features, split and metrics of a training;
        tables and measures of a backtest.
    environments : tuple of Difference
        In what it ran with, which may explain the others.
    """

    results: tuple[Difference, ...]
    environments: tuple[Difference, ...]

    @property
    def is_identical(self) -> bool:
        """Whether the same came out."""
        return not self.results


def compare_trainings(before: Manifest, after: Manifest) -> Comparison:
    """Compare a trained model with the one that its repetition gave."""
    return Comparison(
        results=_results(before, after),
        environments=tuple(
            differences(_training_environment(before), _training_environment(after))
        ),
    )


def compare_backtests(before: ResultManifest, after: ResultManifest) -> Comparison:
    """Compare a backtest's result with that of its repetition."""
    return Comparison(
        results=_results(before, after),
        environments=tuple(
            differences(dict(before.environment), dict(after.environment))
        ),
    )


def differences(
    before: JsonValue, after: JsonValue, path: str = ""
) -> Iterator[Difference]:
    """Yield every value that differs between two JSON documents, and where."""
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = _by_name(before, after)
    elif isinstance(before, list) and isinstance(after, list):
        pairs = _by_name(_numbered(before), _numbered(after))
    else:
        if before != after:
            yield Difference(path=path, before=before, after=after)
        return
    for name, (old, new) in pairs.items():
        yield from differences(old, new, f"{path}.{name}" if path else name)


def _results(
    before: Manifest | ResultManifest, after: Manifest | ResultManifest
) -> tuple[Difference, ...]:
    first, second = (one.model_dump(mode="json") for one in (before, after))
    return tuple(
        difference
        for difference in differences(first, second)
        if not _is_left_out(difference.path)
    )


def _is_left_out(path: str) -> bool:
    parts = path.split(".")
    return not _NOT_COMPARED.isdisjoint(
        ".".join(parts[:n]) for n in range(1, len(parts) + 1)
    )


def _training_environment(manifest: Manifest) -> dict[str, JsonValue]:
    return {
        **manifest.environment,
        "cpu_capability": manifest.fit.cpu_capability,
        "threads": manifest.fit.threads,
    }


def _numbered(values: list[JsonValue]) -> dict[str, JsonValue]:
    return {str(number): value for number, value in enumerate(values)}


def _by_name(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]
) -> dict[str, tuple[JsonValue, JsonValue]]:
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: (before.get(name, _ABSENT), after.get(name, _ABSENT)) for name in names
    }
