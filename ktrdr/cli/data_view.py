"""How ``ktrdr data`` shows bars, reports and snapshots."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from ktrdr.data import Bars, Change, Snapshot
    from ktrdr.schemas import ImportDocument, QualityDocument, SnapshotDocument

_SHOWN_CHANGES = 20
_SHOWN_GAPS = 5
_CHART_HEIGHT = 16
_AXIS_WIDTH = 12
# Numbers below and above are written with an exponent.
_LEAST_PLAIN, _MOST_PLAIN = 1e-9, 1e15
# From here on fractions of a volume are left out.
_MANY = 1e6


def print_import(done: "ImportDocument", *, repaired: bool) -> None:
    """Print what an import came to."""
    from ktrdr.cli.output import console, notes
    from ktrdr.data import Change

    for note in done.notes:
        notes().print(note, markup=False, soft_wrap=True)
    changes = [Change.model_validate(one.model_dump()) for one in done.changes]
    print_changes(changes, done.snapshot.change_counts if changes else {})
    print_quality(done.quality, with_faults=not repaired)
    snapshot = snapshot_of(done.snapshot)
    if done.is_new:
        console().print(f"Stored {snapshot}", markup=False, soft_wrap=True)
    else:
        console().print(
            f"Nothing new: the latest snapshot holds the same bars since "
            f"{snapshot.imported_at:%Y-%m-%d %H:%M}. {snapshot}",
            markup=False,
            soft_wrap=True,
        )


def snapshot_of(document: "SnapshotDocument") -> "Snapshot":
    """Return the snapshot that ``document`` tells of."""
    from ktrdr.data import Snapshot

    return Snapshot.model_validate_json(document.model_dump_json())


def print_changes(changes: "Sequence[Change]", counts: "Mapping[str, int]") -> None:
    """Print every kind of repair with its number, and the first changes of it."""
    from ktrdr.cli.output import notes

    for kind, count in sorted(counts.items()):
        notes().print(f"Repaired, {kind.replace('_', ' ')}: {count:,}")
        shown = [change for change in changes if change.kind == kind][:_SHOWN_CHANGES]
        for change in shown:
            notes().print(f"  {change}", markup=False, soft_wrap=True)
        if count > len(shown):
            notes().print(
                f"  and {count - len(shown):,} more, all kept with the "
                "snapshot: `ktrdr data provenance SYMBOL`",
                markup=False,
                soft_wrap=True,
            )


def print_quality(found: "QualityDocument", *, with_faults: bool) -> None:
    """Print what a quality check found."""
    from ktrdr.cli.output import console
    from ktrdr.data import GAP_KINDS

    out = console()
    for text in found.faults.values() if with_faults else ():
        out.print(f"FAULT   {text}", markup=False, soft_wrap=True, style="red")
    for text in found.notices.values():
        out.print(f"notice  {text}", markup=False, soft_wrap=True)
    gaps = {kind: found.counts.get(f"gaps, {kind}", 0) for kind in GAP_KINDS}
    missing = {kind: found.counts.get(f"bars missing, {kind}", 0) for kind in GAP_KINDS}
    counts = ", ".join(
        f"{gaps[kind]:,} {kind} ({_bars(missing[kind])})" for kind in GAP_KINDS
    )
    out.print(
        f"Calendar {found.calendar}: {found.calendar_reason}.",
        markup=False,
        soft_wrap=True,
    )
    out.print(f"Gaps: {counts}", markup=False, soft_wrap=True)
    unexpected = found.unexpected_gaps[:_SHOWN_GAPS]
    for gap in unexpected:
        span = f"{_to_minute(gap.begin)} to {_to_minute(gap.end)}"
        line = f"  {span}: {_bars(gap.n_missing)}"
        out.print(line, markup=False, soft_wrap=True)
    if gaps["unexpected"] > len(unexpected):
        out.print(
            "  ... the longest are shown; --json lists more",
            markup=False,
            soft_wrap=True,
        )
    verdict = "no faults"
    if found.faults:
        verdict = "faulty" if with_faults else "faulty before the repair told above"
    out.print(
        f"{found.n_rows:,} rows of {found.timeframe}: {verdict}",
        markup=False,
        soft_wrap=True,
    )


def _to_minute(text: str) -> str:
    return text[:16].replace("T", " ")


def _bars(number: int) -> str:
    return f"{number:,} bar" if number == 1 else f"{number:,} bars"


def snapshot_table(snapshots: "list[Snapshot]") -> "Table":
    """Return a table of snapshots."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Symbol", no_wrap=True)
    table.add_column("Bars", no_wrap=True, justify="right")
    for name in ("First opens", "Last closes", "Snapshot"):
        table.add_column(name, no_wrap=True)
    table.add_column("Source", overflow="fold")
    for one in snapshots:
        table.add_row(
            f"{one.symbol} {one.timeframe}",
            f"{one.n_bars:,}",
            f"{one.start:%Y-%m-%d}",
            f"{one.end:%Y-%m-%d}",
            one.digest[:12],
            # As it is: a file's name may hold what would be markup.
            Text(one.source),
        )
    return table


def bar_table(bars: "Bars") -> "Table":
    """Return a table of bars."""
    from rich.table import Table

    from ktrdr.data import COLUMNS, PRICE_COLUMNS, time_texts

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Opens (UTC)", overflow="fold")
    for name in COLUMNS:
        # Folded, since a number that is cut off reads like another number.
        table.add_column(name.capitalize(), justify="right", overflow="fold")
    prices = [getattr(bars, name).tolist() for name in PRICE_COLUMNS]
    decimals = _decimals([price for column in prices for price in column])
    for time, volume, *row in zip(
        time_texts(bars.time), bars.volume.tolist(), *prices, strict=True
    ):
        shown = [
            f"{price:.10g}" if decimals is None else f"{price:,.{decimals}f}"
            for price in row
        ]
        table.add_row(time[:16].replace("T", " "), *shown, _volume(volume))
    return table


def _decimals(prices: list[float]) -> int | None:
    # As many as the prices need at ten digits; None if they are not to be written out.
    import numpy as np

    if min(prices) < _LEAST_PLAIN or max(prices) >= _MOST_PLAIN:
        return None
    written = [
        np.format_float_positional(each, precision=10, fractional=False, trim="-")
        for each in prices
    ]
    return max(len(each.partition(".")[2]) for each in written)


def _volume(volume: float) -> str:
    is_plain = _MANY <= volume < _MOST_PLAIN
    return f"{volume:,.0f}" if is_plain else f"{volume:,.10g}"


def print_chart(bars: "Bars") -> None:
    """Print bars as candles, as wide as the terminal."""
    from rich.text import Text

    from ktrdr.cli.output import console
    from ktrdr.data import draw_candles, time_texts

    width = max(console().width - _AXIS_WIDTH - 2, 1)
    chart = draw_candles(bars, width=width, height=_CHART_HEIGHT)
    for row, label in zip(chart.rows, _axis_labels(chart.prices), strict=True):
        line = Text(f"{label:>{_AXIS_WIDTH}} ", style="dim")
        for character, is_up in zip(row, chart.is_up, strict=True):
            line.append(character, style="green" if is_up else "red")
        console().print(line)
    first, last = time_texts(bars.time[[0, -1]])
    joined = chart.bars_per_candle
    each = "each candle is a bar" if joined == 1 else f"{joined} bars to a candle"
    console().print(f"{'':13}{first[:16]} to {last[:16]}, {each}", style="dim")


def _axis_labels(prices: tuple[float, ...]) -> list[str]:
    # With as many decimals as it takes to tell neighbours apart.
    import math

    step = prices[0] - prices[1]
    decimals = max(math.ceil(-math.log10(step)), 0) if step > 0 else None
    if decimals is None or not _LEAST_PLAIN <= prices[-1] <= prices[0] < _MOST_PLAIN:
        return [f"{price:.6g}" for price in prices]
    labels = [f"{price:.{decimals}f}" for price in prices]
    is_wide = max(map(len, labels)) > _AXIS_WIDTH
    return [f"{price:.6g}" for price in prices] if is_wide else labels
