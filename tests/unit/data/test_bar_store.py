from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.data import BarStore, Change, Provenance, Timeframe, parse_symbol
from ktrdr.data.symbol import symbol_key
from ktrdr.errors import DataError, InputError, NotFoundError
from ktrdr.storage import ArtifactStore
from tests.builders import random_bars

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def provenance(minutes=0, **fields):
    return Provenance(
        kind="made",
        source="test",
        imported_at=NOON + timedelta(minutes=minutes),
        **fields,
    )


@pytest.fixture
def bar_store(tmp_path):
    return BarStore(ArtifactStore.in_folder(tmp_path))


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("EURUSD", "EURUSD"),
        (" eurusd ", "EURUSD"),
        ("btc/usdt", "BTC/USDT"),
        ("BRK.B", "BRK.B"),
        ("^GSPC", "^GSPC"),
        ("EUR=X", "EUR=X"),
        ("BTC-USD", "BTC-USD"),
        ("NASDAQ:AAPL", "NASDAQ:AAPL"),
        ("7203.T", "7203.T"),
    ],
)
def test_what_may_be_a_symbol(text, symbol):
    assert parse_symbol(text) == symbol


@pytest.mark.parametrize(
    "text", ["", " ", "A B", "-A", "A\nB", "é", "A" * 33, "A\0", "/A"]
)
def test_what_may_be_no_symbol(text):
    with pytest.raises(InputError, match="not a symbol"):
        parse_symbol(text)


symbols = st.from_regex(r"[A-Z0-9^.$#@][A-Z0-9^.$#@/:=_&+-]{0,31}", fullmatch=True)


@given(symbols, symbols)
def test_every_symbol_has_a_key_of_its_own_that_the_store_takes(one, other):
    assert (symbol_key(one) == symbol_key(other)) == (one == other)


def test_saving_the_same_bars_again_mends_their_damaged_file(bar_store, tmp_path):
    bars = random_bars(5)
    snapshot = bar_store.save(bars, provenance())
    (path,) = (path for path in tmp_path.rglob(snapshot.digest) if path.is_file())
    path.write_bytes(b"")

    assert bar_store.save(bars, provenance(minutes=1)) == snapshot
    assert len(bar_store.load(snapshot)) == 5


def test_of_many_stored_bars_the_first_are_named(bar_store):
    for number in range(23):
        bar_store.save(random_bars(3, symbol=f"S{number:02}"), provenance())

    with pytest.raises(
        NotFoundError, match=r"S00 1h, .*S19 1h, 3 more, which .* shows"
    ):
        bar_store.shortest("NONE")


@pytest.mark.parametrize("symbol", ["BTC/USDT", "^GSPC", "EUR=X", "..", ".", "$SPX"])
def test_awkward_symbols_can_be_stored(bar_store, symbol):
    bars = random_bars(5, symbol=symbol)
    snapshot = bar_store.save(bars, provenance())

    assert bar_store.latest(symbol, Timeframe.H1) == snapshot
    assert bar_store.load(snapshot).symbol == symbol


def test_snapshot_tells_what_it_holds_and_where_it_came_from(bar_store):
    bars = random_bars(24, start="2020-01-06T00:00")
    snapshot = bar_store.save(bars, provenance(settings={"time zone": "UTC"}))

    assert (snapshot.symbol, snapshot.timeframe, snapshot.n_bars) == ("TEST", "1h", 24)
    assert snapshot.start == datetime(2020, 1, 6, tzinfo=UTC)
    assert snapshot.end == datetime(2020, 1, 7, tzinfo=UTC)
    assert (snapshot.imported_at, snapshot.source) == (NOON, "test")
    assert snapshot.settings == {"time zone": "UTC"}


def test_bars_come_back_from_another_process(bar_store, tmp_path):
    bars = random_bars(24)
    snapshot = bar_store.save(bars, provenance())
    other = BarStore(ArtifactStore.in_folder(tmp_path))

    np.testing.assert_array_equal(
        other.load(other.get(snapshot.digest)).close, bars.close
    )
    assert other.list() == [snapshot]


def test_same_bars_make_no_second_snapshot(bar_store):
    first = bar_store.save(random_bars(24), provenance())
    second = bar_store.save(random_bars(24), provenance(minutes=5))

    assert second == first
    assert bar_store.list() == [first]


def test_latest_is_the_newest_import_and_older_ones_stay(bar_store):
    old = bar_store.save(random_bars(24), provenance())
    new = bar_store.save(random_bars(25), provenance(minutes=5))

    assert bar_store.latest("TEST", Timeframe.H1) == new
    assert bar_store.list() == [old, new]
    assert len(bar_store.load(old)) == 24


def test_importing_older_bars_again_makes_them_the_latest(bar_store):
    old = bar_store.save(random_bars(24), provenance())
    bar_store.save(random_bars(25), provenance(minutes=5))
    again = bar_store.save(random_bars(24), provenance(minutes=10))

    assert bar_store.latest("TEST", Timeframe.H1) == again
    assert again.digest == old.digest
    assert bar_store.get(old.digest) == again


def test_digest_may_be_shortened_as_long_as_it_is_one(bar_store):
    snapshots = [bar_store.save(random_bars(n), provenance(n)) for n in range(1, 40)]

    for snapshot in snapshots:
        assert bar_store.get(snapshot.digest[:16]) == snapshot
        assert bar_store.get(snapshot.digest[:6]) == snapshot
    for other in ("f" * 64, "", snapshots[0].digest[:5], f"{snapshots[0].digest}0"):
        with pytest.raises(NotFoundError, match="begins with"):
            bar_store.get(other)


def test_what_is_missing_is_named_with_what_there_is(bar_store):
    bar_store.save(random_bars(5, symbol="BTC/USDT"), provenance())

    with pytest.raises(NotFoundError, match=r"no 4h bars of EURUSD.*BTC/USDT 1h"):
        bar_store.latest("eurusd", Timeframe.H4)
    with pytest.raises(NotFoundError, match=r"no bars of EURUSD"):
        bar_store.shortest("eurusd")
    assert bar_store.find("EURUSD", Timeframe.H4) is None


def test_shortest_timeframe_is_by_length_not_by_name(bar_store):
    for timeframe in (Timeframe.D1, Timeframe.H4, Timeframe.M15):
        bar_store.save(random_bars(5, timeframe=timeframe), provenance())

    assert bar_store.shortest("TEST").timeframe is Timeframe.M15


def test_changes_are_kept_with_the_bars(bar_store):
    changes = (
        Change(
            kind="high_raised", row=7, time="2020-01-06T00:00", before=1.0, after=2.0
        ),
        Change(kind="duplicate_removed", row=8, time="2020-01-06T00:00"),
        Change(kind="duplicate_removed", row=9, time="2020-01-06T00:00"),
    )
    snapshot = bar_store.save(random_bars(5), provenance(changes=changes))

    assert snapshot.change_counts == {"high_raised": 1, "duplicate_removed": 2}
    assert bar_store.changes(bar_store.get(snapshot.digest)) == changes


def test_no_bars_and_sloppy_symbols_are_refused(bar_store):
    with pytest.raises(DataError, match="no bars"):
        bar_store.save(random_bars(0), provenance())
    with pytest.raises(InputError, match="write it 'EURUSD'"):
        bar_store.save(random_bars(5, symbol="eurusd"), provenance())


def test_snapshot_that_lies_is_refused(bar_store):
    snapshot = bar_store.save(random_bars(5), provenance())
    lie = snapshot.model_copy(update={"n_bars": 6})

    with pytest.raises(DataError, match="should hold"):
        bar_store.load(lie)


def test_bars_may_be_stored_under_several_timeframes(bar_store):
    hours = random_bars(5)
    bar_store.save(hours, provenance())
    bar_store.save(replace(hours, timeframe=Timeframe.M1), provenance())

    assert [one.timeframe for one in bar_store.list()] == [Timeframe.M1, Timeframe.H1]
