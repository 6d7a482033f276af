"""A report as files: each appears whole or not at all."""

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ktrdr.backtesting import Result
from ktrdr.models import Manifest
from ktrdr.report.page import page
from ktrdr.report.picture import picture
from ktrdr.report.verdict import verdict_of

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Where a report was written.

    Attributes
    ----------
    html, png, json : Path
        Page, picture, and all numbers for programs.
    """

    html: Path
    png: Path
    json: Path


def write_report(
    result: Result, folder: Path, *, model: Manifest | None = None
) -> ReportFiles:
    """Write the report on ``result`` into ``folder``, which is created if need be.

    The files are named after strategy, symbol and result, so that reports of several
    results can share a folder; the same report written again replaces itself.

    Parameters
    ----------
    result : Result
        What is reported.
    folder : Path
        Where the files go.
    model : Manifest or None
        The model that was backtested; None where it is gone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = file_name(result)
    paths = ReportFiles(
        html=folder / f"{name}.html",
        png=folder / f"{name}.png",
        json=folder / f"{name}.json",
    )
    _write_whole(paths.png, picture(result))
    _write_whole(paths.json, numbers(result).encode())
    _write_whole(paths.html, page(result, model).encode())
    return paths


def file_name(result: Result) -> str:
    """Return a name without an extension that every file system takes."""
    manifest = result.manifest
    words = f"{manifest.strategy_name[:40]}-{manifest.symbol[:20]}"
    return f"{_NOT_IN_NAMES.sub('_', words)}-{result.digest[:12]}"


def numbers(result: Result) -> str:
    """Return the result's manifest and verdict as JSON."""
    document = {
        "result": result.digest,
        "verdict": asdict(verdict_of(result.manifest)),
        **result.manifest.model_dump(mode="json"),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write_whole(path: Path, data: bytes) -> None:
    # Beside its place, so that the rename stays within one file system.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".report-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp keeps the file to its owner; a report is as open as any other.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
