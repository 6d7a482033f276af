"""``ktrdr studies``: look up sweeps and walk-forward studies."""

from typing import Annotated

import typer

from ktrdr.cli.completion import complete_study
from ktrdr.cli.options import AsJson, Url

app = typer.Typer(no_args_is_help=True, help="Look up sweeps and walk-forward studies.")


@app.command("list")
def list_all(url: Url = None, as_json: AsJson = False) -> None:
    """List the studies, oldest first."""
    from ktrdr.cli.output import console, notes, print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.studies import list_studies

    found = list_studies(artifact_store(url))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        notes().print("No studies yet: make one with `ktrdr sweep`.", markup=False)
        return
    from ktrdr.cli.study_view import studies_table

    console().print(studies_table(found))


@app.command()
def show(
    study: Annotated[
        str,
        typer.Argument(
            help="`latest`, or first digits of a study's digest.",
            autocompletion=complete_study,
        ),
    ] = "latest",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what came out of a study."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.studies import find_study, load_study

    store = artifact_store(url)
    digest = find_study(store, study)
    summary = load_study(store, digest)
    if as_json:
        print_json({"digest": digest, "summary": summary.model_dump(mode="json")})
        return
    from ktrdr.cli.study_view import print_summary

    print_summary(console(), digest, summary)
