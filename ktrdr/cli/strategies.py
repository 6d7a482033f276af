"""``ktrdr strategies``: look up, check and begin strategy files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson, StrategyName, Url

if TYPE_CHECKING:
    from ktrdr.errors import StrategyError

app = typer.Typer(no_args_is_help=True, help="Look up, check and begin strategies.")


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the strategies in your folder, and the examples."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.strategy import list_strategies

    rows = [_summary(path) for path in list_strategies()]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("name", "timeframes", "features", "description", box=None)
    for row in rows:
        cells = (row["name"], row["timeframes"], row["features"], row["description"])
        table.add_row(*(Text(str(cell)) for cell in cells))
    console().print(table)


@app.command()
def show(strategy: StrategyName, as_json: AsJson = False) -> None:
    """Show what a strategy looks at, learns, decides and pays."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.strategy import (
        feature_ids,
        find_strategy,
        load_strategy,
        strategy_digest,
        summarize,
    )

    path = find_strategy(strategy)
    loaded = load_strategy(path)
    if as_json:
        print_json(
            {
                "path": str(path),
                "digest": strategy_digest(loaded),
                "features": feature_ids(loaded),
                "strategy": loaded.model_dump(mode="json"),
            }
        )
        return
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for topic, line in summarize(loaded):
        table.add_row(Text(topic, style="bold"), Text(line))
    console().print(Panel(table, title=Text(f"{loaded.name} ({path})")))


@app.command()
def validate(
    strategies: Annotated[
        list[str], typer.Argument(help="Names of strategies, or paths of files.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check strategies and tell every problem, with its path and line."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.errors import StrategyError, handling_of
    from ktrdr.strategy import find_strategy, load_strategy

    errors: dict[Path, StrategyError | None] = {}
    for path in map(find_strategy, strategies):
        try:
            load_strategy(path)
            errors[path] = None
        except StrategyError as found:
            errors[path] = found
    if as_json:
        print_json([_verdict(path, error) for path, error in errors.items()])
    else:
        for path, error in errors.items():
            line = str(error or f"{path}: valid")
            console().print(line, markup=False, soft_wrap=True)
    failed = next((error for error in errors.values() if error), None)
    if failed:
        raise typer.Exit(handling_of(failed).exit_code)


@app.command()
def schema(as_json: AsJson = True) -> None:
    """Print the JSON Schema of a strategy file, for editors."""
    from ktrdr.cli.output import print_json
    from ktrdr.strategy import strategy_schema

    print_json(strategy_schema())


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the new strategy.")],
    example: Annotated[
        str, typer.Option("--from", help="Strategy or file to begin from.")
    ] = "minimal",
    as_json: AsJson = False,
) -> None:
    """Begin a strategy: write a commented, valid file to change."""
    from ktrdr.cli.output import console, notes, print_json
    from ktrdr.strategy import new_strategy

    path = new_strategy(name, example)
    if as_json:
        print_json({"path": str(path)})
        return
    console().print(str(path), markup=False, soft_wrap=True)
    notes().print(f"Change it, then: ktrdr strategies validate {name}", markup=False)


@app.command()
def save(
    file: Annotated[Path, typer.Argument(help="A strategy's file.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the one of that name.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Save a strategy in a backend, where all who use it find it by its name."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.cli.system import required_client
    from ktrdr.strategy import parse_strategy, read_strategy_text

    text = read_strategy_text(file)
    name = parse_strategy(text, source=str(file)).name
    client = required_client(url)
    saved = client.strategies.save(name, text, overwrite=overwrite)
    if as_json:
        print_json(saved.model_dump(mode="json"))
        return
    line = f"Saved {saved.name} at {client.url}. Next: ktrdr train {saved.file}"
    console().print(line, markup=False, soft_wrap=True)


def _summary(path: Path) -> dict[str, object]:
    from ktrdr.strategy import strategy_summary

    summary = strategy_summary(path)
    return {
        "name": summary.name,
        "path": str(path),
        "valid": summary.valid,
        "timeframes": " ".join(summary.timeframes),
        "features": summary.n_features,
        "description": summary.description,
    }


def _verdict(path: Path, error: "StrategyError | None") -> dict[str, object]:
    problems = [vars(problem) for problem in error.problems] if error else []
    return {"path": str(path), "valid": error is None, "problems": problems}
