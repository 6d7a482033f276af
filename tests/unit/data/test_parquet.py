import io

import numpy as np
import pytest
from arro3.io import read_parquet
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.data import (
    COLUMNS,
    Timeframe,
    bars_from_parquet,
    bars_to_parquet,
    sample_bars,
)
from ktrdr.errors import DataError
from tests.builders import random_bars


@given(
    n_bars=st.integers(0, 300),
    seed=st.integers(0, 1000),
    timeframe=st.sampled_from(Timeframe),
    symbol=st.sampled_from(["EURUSD", "BTC/USDT", "^GSPC"]),
)
def test_bars_come_back_bit_for_bit(n_bars, seed, timeframe, symbol):
    bars = random_bars(n_bars, seed=seed, timeframe=timeframe, symbol=symbol)

    back = bars_from_parquet(bars_to_parquet(bars))

    assert (back.symbol, back.timeframe) == (symbol, timeframe)
    for name in ("time", *COLUMNS):
        np.testing.assert_array_equal(getattr(back, name), getattr(bars, name))


def test_equal_bars_give_equal_bytes():
    # The writer keeps several keys of metadata in an order that changes by chance.
    assert len({bars_to_parquet(sample_bars()) for _ in range(20)}) == 1


def test_other_symbol_gives_other_bytes():
    assert bars_to_parquet(random_bars(3, symbol="A")) != bars_to_parquet(
        random_bars(3, symbol="B")
    )


def test_file_can_be_read_by_others():
    table = read_parquet(io.BytesIO(bars_to_parquet(sample_bars()))).read_all()

    assert table.column_names == ["time", "open", "high", "low", "close", "volume"]
    assert 'Timestamp(ms, "UTC")' in str(table.schema.field("time").type)
    assert table.schema.metadata_str == {"bars": '{"symbol":"EURUSD","timeframe":"1h"}'}


@pytest.mark.parametrize("keep", [0, 3, 11, 12, 500, -1, -9])
def test_cut_off_file_is_refused(keep):
    data = bars_to_parquet(random_bars(50))

    with pytest.raises(DataError, match="Parquet"):
        bars_from_parquet(data[:keep])


@pytest.mark.parametrize("seed", range(20))
def test_damaged_footer_is_an_error_and_no_crash(seed):
    data = bytearray(bars_to_parquet(random_bars(50)))
    footer = int.from_bytes(data[-8:-4], "little")
    rng = np.random.default_rng(seed)
    places = rng.integers(len(data) - 8 - footer, len(data) - 8, 8)
    for place, value in zip(places, rng.integers(0, 256, 8), strict=True):
        data[place] = value

    try:
        bars = bars_from_parquet(bytes(data))
    except DataError:
        return
    # The damage hit what nobody reads, such as the name of the writer.
    assert len(bars) == 50


def test_damage_is_told_without_the_source_of_the_reader():
    data = bytearray(bars_to_parquet(random_bars(50)))
    footer = int.from_bytes(data[-8:-4], "little")
    data[-8 - footer : -8] = bytes(footer)

    with pytest.raises(DataError, match="damaged or of a kind") as caught:
        bars_from_parquet(bytes(data))

    assert "unwrap" not in str(caught.value)
    assert "write it anew" in str(caught.value)


def test_parquet_that_holds_no_bars_is_refused():
    from arro3.core import Array, Table
    from arro3.io import write_parquet

    file = io.BytesIO()
    write_parquet(Table.from_arrays([Array.from_numpy(np.ones(2))], names=["x"]), file)

    with pytest.raises(DataError, match="lacks close, high"):
        bars_from_parquet(file.getvalue())
