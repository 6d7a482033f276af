"""``ktrdr report``: a result as a page, a picture and numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson, ResultName, Url

if TYPE_CHECKING:
    from ktrdr.backtesting import Result
    from ktrdr.report import ReportFiles, Verdict


def report(
    result: ResultName = "latest",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the files; created if need be."),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Show the page in the browser.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write the report on a backtest: a page, a picture and all numbers."""
    from ktrdr.backtesting import find_result, load_result
    from ktrdr.cli.output import notes, print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.report import reported_model, verdict_of, write_report
    from ktrdr.settings import settings

    store = artifact_store(url)
    loaded = load_result(store, find_result(store, result))
    folder = (out or settings().reports_path).resolve()
    model = reported_model(store, loaded)
    if model.reason:
        notes().print(
            f"Without the model's membership functions: {model.reason}", markup=False
        )
    files = write_report(loaded, folder, model=model.manifest)
    verdict = verdict_of(loaded.manifest)
    if as_json:
        print_json(_document(loaded, files, verdict))
    else:
        _print(files, verdict)
    if open_page:
        typer.launch(files.html.as_uri())


def _document(
    result: "Result", files: "ReportFiles", verdict: "Verdict"
) -> dict[str, object]:
    return {
        "result": result.digest,
        "html": str(files.html),
        "png": str(files.png),
        "json": str(files.json),
        "outcome": verdict.outcome,
        "headline": verdict.headline,
        "caution": verdict.caution,
        "remarks": list(verdict.remarks),
        "is_evidence": verdict.is_evidence,
    }


def _print(files: "ReportFiles", verdict: "Verdict") -> None:
    from ktrdr.cli.output import console

    lines = [verdict.headline, *([verdict.caution] if verdict.caution else [])]
    for line in lines:
        console().print(line, markup=False)
    # Paths stay in one line, so that they can be copied.
    for title, path in (
        ("Page", files.html),
        ("Picture", files.png),
        ("Numbers", files.json),
    ):
        console().print(f"{title:8} {path}", markup=False, soft_wrap=True)
