"""What the shell offers for names: quickly, and silently when that can't be."""

from collections.abc import Callable, Iterable

_MOST = 200
# Somebody waits for the shell to answer.
_TIMEOUT_S = 1.0
_LATEST = "latest"


def _quietly(find: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Turn ``find`` into a completion: what begins as the word does, never an error."""

    def complete(incomplete: str) -> list[str]:
        try:
            found = [name for name in find() if name.startswith(incomplete)]
        except Exception:  # A traceback in the middle of a command line helps nobody.
            return []
        return list(dict.fromkeys(found))[:_MOST]

    complete.__doc__ = find.__doc__
    return complete


@_quietly
def complete_strategy() -> Iterable[str]:
    """Offer the strategies here."""
    from ktrdr.strategy import list_strategies

    return [path.stem for path in list_strategies()]


@_quietly
def complete_model() -> Iterable[str]:
    """Offer models: names, and then their versions."""
    from ktrdr.cli.stores import artifact_store

    keys = artifact_store().list_records("models")
    names = [key[0] for key in keys]
    versions = [f"{key[0]}@{int(key[1])}" for key in reversed(keys)]
    return [*dict.fromkeys(names), *versions]


@_quietly
def complete_result() -> Iterable[str]:
    """Offer results, the newest first."""
    from ktrdr.cli.stores import artifact_store

    keys = artifact_store().list_records("results")
    return [_LATEST, *(key[-1][:12] for key in reversed(keys))]


@_quietly
def complete_study() -> Iterable[str]:
    """Offer studies, the newest first."""
    from ktrdr.cli.stores import artifact_store

    keys = artifact_store().list_records("studies")
    return [_LATEST, *(key[-1][:12] for key in reversed(keys))]


@_quietly
def complete_operation() -> Iterable[str]:
    """Offer operations, the newest first."""
    from ktrdr.cli.system import system_url
    from ktrdr.client import Client
    from ktrdr.settings import settings

    url = system_url(None)
    if url is None:
        return []
    token = settings().api_token
    secret = token.get_secret_value() if token else None
    with Client(url, secret, timeout_s=_TIMEOUT_S, first_patience_s=0) as client:
        return [one.id for one in client.operations.page(limit=_MOST // 2).items]
