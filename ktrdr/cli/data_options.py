"""What users may say about market data and the files it comes in."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ktrdr.data import ReadOptions

Symbol = Annotated[str, typer.Argument(help="Such as EURUSD.")]
TimeframeOption = Annotated[
    str | None,
    typer.Option(
        "--timeframe", "-t", help="1m 5m 15m 30m 1h 4h 1d 1w; found out if not given."
    ),
]
CalendarOption = Annotated[
    str | None,
    typer.Option(
        help="By which gaps are told apart: 24/7, weekdays, fx or an exchange such as "
        "XNYS; guessed if not given."
    ),
]
SymbolOption = Annotated[
    str | None, typer.Option("--symbol", "-s", help="Found out if not given.")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        "-c",
        metavar="NAME=COLUMN",
        help="What a column is, as open=NAME or open=NUMBER; of time, date, open, "
        "high, low, close, volume, symbol. May be given again.",
    ),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        help="Zone of times that do not tell theirs, such as America/New_York; UTC "
        "if not given.",
    ),
]
TimeFormatOption = Annotated[
    str | None,
    typer.Option(help="s, ms, us or ns of an epoch, or such as '%d/%m/%Y %H:%M'."),
]
LabelledByOption = Annotated[
    Literal["open", "close"],
    typer.Option(help="Whether times are those at which bars open or close."),
]


def read_options(
    symbol: str | None,
    timeframe: str | None,
    columns: list[str] | None,
    zone: str | None,
    time_format: str | None,
    labelled_by: Literal["open", "close"],
) -> "ReadOptions":
    """Return what was said on the command line about a file."""
    from ktrdr.data import ReadOptions, Timeframe, parse_columns

    return ReadOptions(
        symbol=symbol,
        timeframe=None if timeframe is None else Timeframe.parse(timeframe),
        columns=parse_columns(columns or ()),
        zone=zone,
        time_format=time_format,
        labelled_by=labelled_by,
    )
