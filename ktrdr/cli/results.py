"""``ktrdr results``: look up the results of backtests."""

from typing import Annotated

import typer

from ktrdr.cli.options import AsJson, ResultName, Url

app = typer.Typer(no_args_is_help=True, help="Look up the results of backtests.")


@app.command("list")
def list_all(
    model: Annotated[
        str | None,
        typer.Option(help="Only of this model, such as momentum or momentum@3."),
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the results, oldest first."""
    from ktrdr.backtesting import list_results
    from ktrdr.cli.output import console, notes, print_json
    from ktrdr.cli.stores import artifact_store

    found = list_results(artifact_store(url), model)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        whose = f" of {model}" if model else ""
        notes().print(
            f"There are no results{whose} yet; make one with `ktrdr backtest MODEL`.",
            markup=False,
        )
        return
    from ktrdr.cli.result_view import results_table

    console().print(results_table(found))


@app.command()
def show(
    result: ResultName = "latest", url: Url = None, as_json: AsJson = False
) -> None:
    """Show one result: measures, comparisons and how far to believe them."""
    from ktrdr.backtesting import find_result, load_result_manifest
    from ktrdr.cli.output import console, print_json
    from ktrdr.cli.stores import artifact_store

    store = artifact_store(url)
    digest = find_result(store, result)
    manifest = load_result_manifest(store, digest)
    if as_json:
        print_json({"digest": digest, "manifest": manifest.model_dump(mode="json")})
        return
    from ktrdr.cli.result_view import print_result

    print_result(console(), digest, manifest)
