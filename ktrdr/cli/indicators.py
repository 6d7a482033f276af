"""``ktrdr indicators``: what indicators there are and what each one takes."""

from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from ktrdr.indicators import Indicator

app = typer.Typer(no_args_is_help=True, help="Look up indicators.")


@app.command("list")
def list_indicators(
    search: Annotated[
        str, typer.Argument(help="Only those with this text in name or title.")
    ] = "",
    group: Annotated[
        str | None, typer.Option(help="Only this group, such as momentum.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the indicators."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.indicators import indicator_summary, search_indicators

    found = search_indicators(search, group)
    if not found:
        _raise_nothing_found(search, group)
    if as_json:
        print_json([indicator_summary(one).model_dump(mode="json") for one in found])
        return
    from rich.table import Table

    table = Table("name", "group", "title", "outputs", box=None, pad_edge=False)
    for indicator in found:
        outputs = ", ".join(indicator.outputs)
        table.add_row(indicator.name, indicator.group, indicator.title, outputs)
    console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the indicator.")],
    as_json: AsJson = False,
) -> None:
    """Show what an indicator takes and gives, and when it is known."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.indicators import find_indicator, indicator_detail

    indicator = find_indicator(name)
    if as_json:
        print_json(indicator_detail(indicator).model_dump(mode="json"))
        return
    from rich.table import Table

    table = Table("parameter", "default", "expected", box=None, pad_edge=False)
    for parameter in indicator.parameters:
        table.add_row(parameter.name, str(parameter.default), parameter.expected)
    console().print(f"[bold]{indicator.name}[/bold]  {indicator.title}")
    if indicator.parameters:
        console().print(table)
    for line in _facts(indicator):
        console().print(line)


def _raise_nothing_found(search: str, group: str | None) -> None:
    from ktrdr.errors import NotFoundError
    from ktrdr.indicators import catalogue

    groups = sorted({indicator.group for indicator in catalogue().values()})
    wanted = f"{search!r}" if group is None else f"{search!r} in group {group!r}"
    raise NotFoundError(f"no indicator matches {wanted}; groups: {', '.join(groups)}")


def _facts(indicator: "Indicator") -> list[str]:
    from ktrdr.indicators import IndicatorUse, settling, warm_up

    use = IndicatorUse(type=indicator.name)
    unknown, settled = warm_up(use), settling(use)
    lines = [
        f"outputs: {', '.join(indicator.outputs)}",
        f"with these defaults unknown for {unknown} bars",
    ]
    if settled is None:
        lines.append("depends for ever on the bar at which the data begin")
    elif settled > unknown:
        lines.append(
            f"depends on the bar at which the data begin for about {settled} bars"
        )
    if indicator.inputs:
        lines.insert(0, f"always reads: {', '.join(indicator.inputs)}")
    if indicator.note:
        lines.append(f"note: {indicator.note}")
    return lines
