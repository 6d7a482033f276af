"""``ktrdr rerun``: repeat a training or a backtest and compare."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson, Url

if TYPE_CHECKING:
    from ktrdr.backtesting import Comparison, Difference, ResultManifest
    from ktrdr.models import Manifest
    from ktrdr.storage import ArtifactStore

_TRAINING_JOB = "ktrdr.workers.training_job"
_BACKTEST_JOB = "ktrdr.workers.backtest_job"
_LARGEST_FILE = 64 * 2**20
_SHOWN = 20
_LONGEST_SHOWN = 64
_BESIDE = {"digest", "result", "verdict"}
_DIFFERENT_EXIT_CODE = 1


def rerun(
    manifest: Annotated[
        str,
        typer.Argument(
            help="A model (name, name@version or digest), a result (digest or "
            "`latest`), or a file with what `--json` printed of either."
        ),
    ],
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep the new model or result; otherwise it is dropped."
        ),
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Repeat a training or backtest and tell whether it comes out identical.

    The same strategy, seed and data snapshots are used with the ktrdr and the
    libraries of today. The exit code is 0 if what comes out is identical and 1 if
    it is not; then every difference is listed, and those of the environment beside
    them.
    """
    from ktrdr.cli.stores import artifact_store
    from ktrdr.cli.system import named_url
    from ktrdr.errors import InputError
    from ktrdr.models import Manifest

    if keep and named_url(url) is not None:
        raise InputError(
            "--keep writes into the store itself, which a backend does not allow: "
            "leave --keep out, or run it where the store is, without a URL"
        )
    stored = artifact_store(url)
    before = _find(stored, manifest)
    with _scratch(stored) as scratch:
        store = stored.location if keep else _copied(stored, before, scratch / "store")
        if isinstance(before, Manifest):
            kind = "training"
            comparison = _repeat_training(before, store, scratch, as_json=as_json)
        else:
            kind = "backtest"
            comparison = _repeat_backtest(before, store, as_json=as_json)
    _report(kind, comparison, as_json=as_json)
    if not comparison.is_identical:
        raise typer.Exit(_DIFFERENT_EXIT_CODE)


def _find(store: "ArtifactStore", text: str) -> "Manifest | ResultManifest":
    from ktrdr.backtesting import find_result, load_result_manifest
    from ktrdr.errors import NotFoundError
    from ktrdr.models import find_model, load_manifest

    if _is_file(text):
        return _read(Path(text))
    with suppress(NotFoundError):
        return load_manifest(store, find_model(store, text).digest)
    try:
        return load_result_manifest(store, find_result(store, text))
    except NotFoundError:
        raise NotFoundError(
            f"{text[:80]!r} is no model, result or file: expected such as momentum, "
            "momentum@3, `latest`, the first digits of a digest or a path; "
            "`ktrdr models list` and `ktrdr results list` show what there is"
        ) from None


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # Too long, or with a NUL, to be a path at all.
        return False


def _read(path: Path) -> "Manifest | ResultManifest":
    import json

    from pydantic import ValidationError

    from ktrdr.backtesting import parse_result_manifest
    from ktrdr.errors import InputError
    from ktrdr.models import Manifest

    size = path.stat().st_size
    if size > _LARGEST_FILE:
        raise InputError(
            f"{path} has {size:,} bytes, a manifest {_LARGEST_FILE:,} at most"
        )
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InputError(
            f"{path} is no JSON document; expected the manifest of a model or a result"
        ) from None
    data = json.dumps(_manifest_in(document)).encode()
    with suppress(ValidationError):
        return Manifest.model_validate_json(data)
    return parse_result_manifest(data, str(path))


def _manifest_in(document: object) -> object:
    # Commands and reports print a manifest with its digest and more beside it.
    if not isinstance(document, dict):
        return document
    manifest = document.get("manifest", document)
    if not isinstance(manifest, dict):
        return manifest
    return {key: value for key, value in manifest.items() if key not in _BESIDE}


@contextmanager
def _scratch(store: "ArtifactStore") -> Iterator[Path]:
    from tempfile import TemporaryDirectory

    from ktrdr.settings import settings
    from ktrdr.storage import folder_of, is_remote

    # Beside a store's folder, where its files can be linked.
    is_here = not is_remote(store.location)
    beside = folder_of(store.location).parent if is_here else settings().home
    beside.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="rerun-", dir=beside) as folder:
        yield Path(folder)


def _copied(
    store: "ArtifactStore", before: "Manifest | ResultManifest", copy: Path
) -> str:
    from ktrdr.storage import (
        ArtifactStore,
        copy_needed,
        digests_in,
        folder_of,
        is_remote,
    )

    if not is_remote(store.location):
        return str(_linked_copy(folder_of(store.location), copy))
    needed = digests_in(before.model_dump_json().encode())
    copy_needed(store, ArtifactStore.in_folder(copy), needed, ("bars", "models"))
    return str(copy)


def _linked_copy(store: Path, copy: Path) -> Path:
    import shutil

    # Artifacts never change, so a link is as good as a copy and costs nothing.
    shutil.copytree(store, copy, copy_function=_link)
    return copy


def _link(source: str, target: str) -> str:
    import os
    import shutil

    # What somebody else was just writing may be gone under its temporary name.
    with suppress(FileNotFoundError):
        try:
            os.link(source, target)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copy2(source, target)
    return target


def _repeat_training(
    before: "Manifest", store: str, scratch: Path, *, as_json: bool
) -> "Comparison":
    from ktrdr.backtesting import compare_trainings
    from ktrdr.cli.jobs import run_job
    from ktrdr.models import load_manifest
    from ktrdr.schemas import Snapshots, TrainingRequest
    from ktrdr.storage import ArtifactStore

    pins: Snapshots = {}
    for use in before.snapshots:
        pins.setdefault(use.symbol, {})[use.timeframe] = use.digest
    request = TrainingRequest(
        strategy=before.strategy_yaml,
        source=f"strategy of {before.title}",
        store=store,
        checkpoints=str(scratch / "checkpoints"),
        snapshots=pins,
        threads=before.fit.threads,
    )
    outcome = run_job(_TRAINING_JOB, request, as_json=as_json)
    after = load_manifest(ArtifactStore.open(store), str(outcome["model"]))
    return compare_trainings(before, after)


def _repeat_backtest(
    before: "ResultManifest", store: str, *, as_json: bool
) -> "Comparison":
    from ktrdr.backtesting import compare_backtests, load_result_manifest
    from ktrdr.cli.jobs import run_job
    from ktrdr.storage import ArtifactStore, parse_digest

    request = before.request.model_copy(update={"store": store})
    outcome = run_job(_BACKTEST_JOB, request, as_json=as_json)
    digest = parse_digest(str(outcome["digest"]))
    after = load_result_manifest(ArtifactStore.open(store), digest)
    return compare_backtests(before, after)


def _report(kind: str, comparison: "Comparison", *, as_json: bool) -> None:
    from dataclasses import asdict

    from ktrdr.cli.output import console, print_json

    if as_json:
        document = {"kind": kind, "is_identical": comparison.is_identical}
        print_json({**document, **asdict(comparison)})
        return
    if comparison.is_identical:
        what = (
            "weights, features and metrics"
            if kind == "training"
            else "tables and measures"
        )
        console().print(f"Identical: the {kind} gave the same {what}.", style="green")
    else:
        count = len(comparison.results)
        console().print(
            f"NOT identical: {count} value{'s differ' if count > 1 else ' differs'}.",
            style="bold red",
        )
        _print_differences("what came out", comparison.results)
    if comparison.environments:
        _print_differences("environment", comparison.environments)
    else:
        console().print("The environment is the same.")


def _print_differences(title: str, found: "tuple[Difference, ...]") -> None:
    from rich.table import Table
    from rich.text import Text

    from ktrdr.cli.output import console

    table = Table(title, box=None, pad_edge=False)
    for column in ("before", "now"):
        table.add_column(column, overflow="fold")
    for difference in found[:_SHOWN]:
        before, after = excerpts(str(difference.before), str(difference.after))
        table.add_row(Text(difference.path), Text(before), Text(after))
    console().print(table)
    if len(found) > _SHOWN:
        console().print(f"... and {len(found) - _SHOWN} more: --json lists them all")


def excerpts(before: str, after: str) -> tuple[str, str]:
    """Return what is shown of two texts: of long ones, what lies where they part."""
    if max(len(before), len(after)) <= _LONGEST_SHOWN:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    shorter = min(len(before), len(after))
    n_alike = next((at for at, (one, other) in pairs if one != other), shorter)
    start = max(0, n_alike - _LONGEST_SHOWN // 4)
    first, second = (
        f"{'...' if start else ''}{text[start : start + _LONGEST_SHOWN]}"
        for text in (before, after)
    )
    return first, second
