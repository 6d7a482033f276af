"""Files as programs and exchanges write them."""

import gzip
import io
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from arro3.core import Array, DataType, Table
from arro3.io import write_parquet
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ktrdr.data import ReadOptions, Timeframe, bars_to_parquet, sample_bars
from ktrdr.data.files.naming import symbol_from_name
from ktrdr.data.reading import read_bytes, read_file
from ktrdr.errors import DataError, InputError, NotFoundError
from tests.builders import random_bars

GENERIC = """time,open,high,low,close,volume
2024-01-02 10:00,1.0,1.4,0.9,1.2,100
2024-01-02 11:00,1.2,1.3,1.1,1.25,200
2024-01-02 12:00,1.25,1.5,1.2,1.4,300
"""


def read(text, name="EURUSD.csv", **options):
    data = text if isinstance(text, bytes) else text.encode()
    return read_bytes(data, name, ReadOptions(**options))


def first_row(file):
    columns = file.columns
    values = (columns.open, columns.high, columns.low, columns.close, columns.volume)
    return (str(columns.time[0])[:16], *(float(one[0]) for one in values))


LAYOUTS = {
    "generic": (GENERIC, ("2024-01-02T10:00", 1.0, 1.4, 0.9, 1.2, 100)),
    "capitals and quotes": (
        '"Timestamp";"OPEN";"HIGH";"LOW";"CLOSE";"VOL"\n'
        '"2024-01-02 10:00";"1";"1.4";"0.9";"1.2";"100"\n'
        '"2024-01-02 11:00";"1";"1.4";"0.9";"1.2";"100"\n',
        ("2024-01-02T10:00", 1.0, 1.4, 0.9, 1.2, 100),
    ),
    "decimal comma": (
        "date;open;high;low;close\n"
        "02.01.2024 10:00;1,0;1,4;0,9;1,2\n"
        "02.01.2024 11:00;1,0;1,4;0,9;1,2\n",
        ("2024-01-02T10:00", 1.0, 1.4, 0.9, 1.2, 0),
    ),
    "yahoo": (
        "Date,Open,High,Low,Close,Adj Close,Volume\n"
        "2024-01-02,187.15,188.44,183.89,185.64,184.73,82488700\n"
        "2024-01-03,184.22,185.88,183.43,184.25,183.35,58414500\n",
        ("2024-01-02T00:00", 187.15, 188.44, 183.89, 185.64, 82488700),
    ),
    "yfinance": (
        "Price,Close,High,Low,Open,Volume\n"
        "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL\n"
        "Date,,,,,\n"
        "2024-01-02,185.64,188.44,183.89,187.15,82488700\n"
        "2024-01-03,184.25,185.88,183.43,184.22,58414500\n",
        ("2024-01-02T00:00", 187.15, 188.44, 183.89, 185.64, 82488700),
    ),
    "metatrader 4": (
        "2024.01.02,10:00,1.0950,1.0960,1.0940,1.0955,1234\n"
        "2024.01.02,11:00,1.0955,1.0965,1.0950,1.0960,2345\n",
        ("2024-01-02T10:00", 1.0950, 1.0960, 1.0940, 1.0955, 1234),
    ),
    "metatrader 5": (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.02\t10:00:00\t1.0950\t1.0960\t1.0940\t1.0955\t1234\t0\t12\n"
        "2024.01.02\t11:00:00\t1.0955\t1.0965\t1.0950\t1.0960\t2345\t0\t11\n",
        ("2024-01-02T10:00", 1.0950, 1.0960, 1.0940, 1.0955, 1234),
    ),
    "metatrader 5 daily": (
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.02\t1.0950\t1.0960\t1.0940\t1.0955\t1234\t0\t12\n"
        "2024.01.03\t1.0955\t1.0965\t1.0950\t1.0960\t2345\t0\t11\n",
        ("2024-01-02T00:00", 1.0950, 1.0960, 1.0940, 1.0955, 1234),
    ),
    "interactive brokers": (
        "date,open,high,low,close,volume,average,barCount\n"
        "20240102  10:00:00,1.0950,1.0960,1.0940,1.0955,-1,-1,-1\n"
        "20240102  11:00:00,1.0955,1.0965,1.0950,1.0960,-1,-1,-1\n",
        ("2024-01-02T10:00", 1.0950, 1.0960, 1.0940, 1.0955, 0),
    ),
    "interactive brokers with zone": (
        "date,open,high,low,close,volume,average,barCount\n"
        "20240102 09:30:00 US/Eastern,187,188,186,187.5,1000,187.2,300\n"
        "20240102 10:30:00 US/Eastern,187.5,188,187,187.6,2000,187.4,400\n",
        ("2024-01-02T14:30", 187, 188, 186, 187.5, 1000),
    ),
    "binance without header": (
        "1704189600000,42000.1,42100,41900,42050,12.5,1704193199999,525000,900,6,252000,0\n"
        "1704193200000,42050,42200,42000,42150,10.5,1704196799999,442000,800,5,210000,0\n",
        ("2024-01-02T10:00", 42000.1, 42100, 41900, 42050, 12.5),
    ),
    "binance in microseconds": (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count\n"
        "1704189600000000,42000.1,42100,41900,42050,12.5,1704193199999999,5,9\n"
        "1704193200000000,42050,42200,42000,42150,10.5,1704196799999999,4,8\n",
        ("2024-01-02T10:00", 42000.1, 42100, 41900, 42050, 12.5),
    ),
    "cryptodatadownload": (
        "https://www.CryptoDataDownload.com\n"
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
        "1704193200,2024-01-02 11:00:00,BTC/USD,42050,42200,42000,42150,10.5,44\n"
        "1704189600,2024-01-02 10:00:00,BTC/USD,42000.1,42100,41900,42050,12.5,52\n",
        ("2024-01-02T10:00", 42000.1, 42100, 41900, 42050, 12.5),
    ),
    "ccxt": (
        "1704189600000,42000.1,42100,41900,42050,12.5\n"
        "1704193200000,42050,42200,42000,42150,10.5\n",
        ("2024-01-02T10:00", 42000.1, 42100, 41900, 42050, 12.5),
    ),
    "dukascopy": (
        "Gmt time,Open,High,Low,Close,Volume\n"
        "02.01.2024 10:00:00.000,1.0950,1.0960,1.0940,1.0955,1234.5\n"
        "02.01.2024 11:00:00.000,1.0955,1.0965,1.0950,1.0960,2345.5\n",
        ("2024-01-02T10:00", 1.0950, 1.0960, 1.0940, 1.0955, 1234.5),
    ),
    "dukascopy local": (
        "Local time,Open,High,Low,Close,Volume\n"
        "02.01.2024 11:00:00.000 GMT+0100,1.0950,1.0960,1.0940,1.0955,1234.5\n"
        "02.01.2024 12:00:00.000 GMT+0100,1.0955,1.0965,1.0950,1.0960,2345.5\n",
        ("2024-01-02T10:00", 1.0950, 1.0960, 1.0940, 1.0955, 1234.5),
    ),
    "histdata": (
        "20240102 100000;1.0950;1.0960;1.0940;1.0955;0\n"
        "20240102 110000;1.0955;1.0965;1.0950;1.0960;0\n",
        ("2024-01-02T10:00", 1.0950, 1.0960, 1.0940, 1.0955, 0),
    ),
    "pandas": (
        ",open,high,low,close,volume\n"
        "2024-01-02 10:00:00+00:00,1,1.4,0.9,1.2,100\n"
        "2024-01-02 11:00:00+00:00,1,1.4,0.9,1.2,100\n",
        ("2024-01-02T10:00", 1.0, 1.4, 0.9, 1.2, 100),
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_of_common_programs_are_read_without_being_told_how(layout):
    text, expected = LAYOUTS[layout]

    file = read(text)

    assert first_row(file) == expected
    daily = expected[0].endswith("T00:00")
    assert file.timeframe is (Timeframe.D1 if daily else Timeframe.H1)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n\n", "\r\n \r\n"])
def test_line_ends_and_empty_lines_do_not_matter(ending):
    assert first_row(read(GENERIC.replace("\n", ending))) == LAYOUTS["generic"][1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "ascii"])
def test_encodings_are_found_out(encoding):
    assert first_row(read(GENERIC.encode(encoding))) == LAYOUTS["generic"][1]


def test_gzip_is_unpacked():
    assert (
        first_row(read(gzip.compress(GENERIC.encode(), mtime=0)))
        == LAYOUTS["generic"][1]
    )


def test_what_was_assumed_is_said():
    notes = " ".join(read(GENERIC, "EURUSD_1h.csv").notes)

    assert "Symbol EURUSD as the file's name suggests" in notes
    assert "Timeframe 1h by the spacing" in notes
    assert "taken as UTC" in notes


def test_what_a_layout_hides_is_said():
    def notes(layout):
        return " ".join(read(LAYOUTS[layout][0]).notes)

    assert "Close is used, not Adj Close" in notes("yahoo")
    assert "<TICKVOL> is used" in notes("metatrader 5")
    assert "no header" in notes("metatrader 4")
    assert "Volume is -1 in every row" in notes("interactive brokers")
    assert "newest first" in notes("cryptodatadownload")
    assert "no volume" in notes("decimal comma")
    assert "decimal points" in notes("decimal comma")


def test_how_it_was_read_is_kept():
    settings = read(LAYOUTS["metatrader 5"][0]).settings

    assert settings["layout"] == "MetaTrader 5"
    assert settings["column volume"] == "<TICKVOL>"
    assert settings["column date"] == "<DATE>"
    assert settings["separator"] == "tab"
    assert settings["time zone"] == "UTC, assumed"


def test_symbol_comes_from_the_option_then_the_file_then_its_name():
    text = LAYOUTS["cryptodatadownload"][0]

    assert read(text).symbol == "BTC/USD"
    assert read(text, symbol="xbt").symbol == "XBT"
    assert read(LAYOUTS["yfinance"][0]).symbol == "AAPL"
    assert read(GENERIC, "gbpusd.csv").symbol == "GBPUSD"


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("FOREX_EURUSD_1H_ASK.csv", "EURUSD"),
        ("EURUSD_1h_2017_ask.csv.gz", "EURUSD"),
        ("EURUSD60.csv", "EURUSD"),
        ("EURUSD_M15_201701020000_201712292345.csv", "EURUSD"),
        ("EURUSD_Candlestick_1_Hour_ASK_01.01.2017-31.12.2017.csv", "EURUSD"),
        ("BTCUSDT-1h-2024-01.csv", "BTCUSDT"),
        ("Binance_BTCUSDT_1h.csv", "BTCUSDT"),
        ("BTC-USD.csv", "BTC-USD"),
        ("EURUSD=X.csv", "EURUSD=X"),
        ("^GSPC.csv", "^GSPC"),
        ("BRK.B.csv", "BRK.B"),
        ("DAT_ASCII_EURUSD_M1_2017.csv", "EURUSD"),
        ("aapl daily.parquet", "AAPL"),
        ("US500.csv", "US500"),
    ],
)
def test_symbols_in_file_names(name, symbol):
    assert symbol_from_name(name) == symbol


@pytest.mark.parametrize("name", ["data.csv", "2024_1h.csv", "ohlcv.parquet", ".csv"])
def test_file_names_without_symbol_ask_for_one(name):
    with pytest.raises(InputError, match="--symbol"):
        symbol_from_name(name)


def test_columns_may_be_mapped_by_name_and_by_number():
    text = (
        "when,a,b,c,d,e\n"
        "2024-01-02 10:00,1.2,0.9,1.4,1.0,7\n"
        "2024-01-02 11:00,1.2,0.9,1.4,1.0,7\n"
    )
    columns = {"time": "WHEN", "close": "a", "low": "3", "high": "c", "open": "d"}

    file = read(text, columns=columns)

    assert first_row(file) == ("2024-01-02T10:00", 1.0, 1.4, 0.9, 1.2, 0)


def test_mapping_goes_before_what_is_recognized():
    file = read(LAYOUTS["yahoo"][0], columns={"close": "Adj Close"})

    assert file.columns.close[0] == 184.73


def test_columns_without_header_are_mapped_by_number():
    text = "x,y,1.2,0.9,1.4,1.0,2024-01-02 10:00\n" * 2
    columns = {"close": "3", "low": "4", "high": "5", "open": "6", "time": "7"}

    file = read(text, columns=columns, timeframe=Timeframe.H1)

    assert first_row(file)[1:5] == (1.0, 1.4, 0.9, 1.2)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"open": "nope"}, "no column 'nope': expected a number from 1 to 6 or one of"),
        ({"open": "9"}, "no column '9'"),
        ({"open": "0"}, "no column '0'"),
        ({"price": "open"}, "expected one of time, date, open"),
    ],
)
def test_mapping_of_what_is_not_there_is_refused(columns, problem):
    with pytest.raises(InputError, match=problem):
        read(GENERIC, columns=columns)


def test_times_at_the_close_are_turned_into_opening_times():
    file = read(GENERIC, labelled_by="close")

    assert first_row(file)[0] == "2024-01-02T09:00"
    assert file.settings["labelled by"] == "close"


def test_dates_at_the_close_are_those_of_the_days_at_whose_end_bars_close():
    days = "".join(f"2024-01-{day:02},1,1,1,1\n" for day in (3, 4, 5))
    fridays = "".join(f"2024-01-{day:02},1,1,1,1\n" for day in (5, 12, 19))
    header = "date,open,high,low,close\n"

    daily = read(header + days, labelled_by="close")
    weekly = read(header + fridays, labelled_by="close")

    # Known when the day is over, and not at its midnight before it has begun.
    assert str(daily.columns.time[0])[:16] == "2024-01-03T00:00"
    assert weekly.timeframe is Timeframe.W1
    assert str(weekly.columns.time[0])[:16] == "2023-12-30T00:00"


def test_names_for_other_columns_than_there_are_are_refused():
    # By their order, the columns would be open, high, low and close.
    text = "date,close,high,low,open\n" + "2024-01-02,1.2,1.4,0.9,1.0,\n" * 3

    with pytest.raises(DataError, match="row 1 names 5 columns, but most rows have 6"):
        read(text)

    numbers = {"time": "1", "close": "2", "high": "3", "low": "4", "open": "5"}
    assert read(text, timeframe=Timeframe.D1, columns=numbers).columns.open[0] == 1.0


def test_points_beside_decimal_commas_part_thousands():
    text = (
        "date;open;high;low;close;volume\n"
        "02.01.2024;15.231,5;15.300,0;15.000,0;15.231,5;1.234.567\n"
        "03.01.2024;15.231,5;15.300,0;15.000,0;15.231,5;1.234\n"
    )

    columns = read(text).columns

    assert columns.close.tolist() == [15231.5, 15231.5]
    assert columns.volume.tolist() == [1234567, 1234]
    with pytest.raises(DataError, match=r"row 3: '1\.5' is no number in a file whose"):
        read(text.replace(";1.234\n", ";1.5\n"))


def test_prices_with_a_dollar_sign_are_read():
    text = "Date,Close/Last,Volume,Open,High,Low\n" + "".join(
        f"01/{day}/2024,$1.2,100,$1.0,$1.4,$0.9\n" for day in (17, 16)
    )

    assert first_row(read(text)) == ("2024-01-16T00:00", 1.0, 1.4, 0.9, 1.2, 100)


@pytest.mark.parametrize("offset", ["+99:00", "-15:00", "+01:75"])
def test_offset_of_no_place_is_refused(offset):
    text = GENERIC.replace(":00,", f":00{offset},")

    with pytest.raises(DataError, match="an offset from UTC that no place has"):
        read(text)


def test_what_a_file_name_can_not_show_is_replaced(tmp_path):
    path = tmp_path / "a\x1b[31m\n\udcff_EURUSD.csv"
    path.write_text(GENERIC)

    file = read_file(path, ReadOptions(symbol="EURUSD"))

    assert file.file_name == "a\ufffd[31m\ufffd\ufffd_EURUSD.csv"
    with pytest.raises(NotFoundError, match="\ufffd"):
        read_file(tmp_path / "\udcff.csv", ReadOptions())


def test_zone_and_format_reach_the_times():
    text = GENERIC.replace("2024-01-02", "01/02/2024")

    file = read(text, zone="America/New_York", time_format="%m/%d/%Y %H:%M")

    assert first_row(file)[0] == "2024-01-02T15:00"
    assert file.settings["time zone"] == "America/New_York"


def test_timeframe_is_the_commonest_spacing():
    rows = [
        "2024-01-05 21:00",
        "2024-01-07 22:00",
        "2024-01-07 23:00",
        "2024-01-08 00:00",
    ]
    text = "time,open,high,low,close\n" + "".join(f"{row},1,1,1,1\n" for row in rows)

    assert read(text).timeframe is Timeframe.H1


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ("2024-01-02 12:00", "mostly 2h apart, which is none of 1m, 5m"),
        ("2024-01-02 10:00:01", "mostly 1s apart"),
        ("2024-02-01 10:00", "mostly 30d apart"),
        ("2024-01-02 10:00", "fewer than two times"),
    ],
)
def test_spacing_of_no_timeframe_is_refused(second, problem):
    text = f"time,open,high,low,close\n2024-01-02 10:00,1,1,1,1\n{second},1,1,1,1\n"

    with pytest.raises(DataError, match=problem):
        read(text)
    assert read(text, timeframe=Timeframe.M5).timeframe is Timeframe.M5


def test_missing_words_are_missing_prices():
    text = GENERIC.replace("1.2,1.3,1.1,1.25,200", "null,NaN,,n/a,-")

    columns = read(text).columns

    for values in (columns.open, columns.high, columns.low, columns.close):
        assert np.isnan(values).tolist() == [False, True, False]
    assert np.isnan(columns.volume).tolist() == [False, True, False]


def test_rows_are_numbered_as_lines_of_the_file():
    assert read(GENERIC.replace("\n", "\n\n", 1)).columns.row.tolist() == [3, 4, 5]
    assert read(LAYOUTS["cryptodatadownload"][0]).columns.row.tolist() == [4, 3]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        (" \n\r\n", "found no table|the file is empty"),
        (",,,,,\n,,,,,\n", "the file is empty"),
        ("hello world\n", "found no table.*the first line is 'hello world'"),
        ("a,b,c,d,e\nf,g,h,i,j\n", "found no row of prices"),
        ("time,open,high,low,close\n", "found no row of prices"),
        (
            "time,bid,ask,x,y\n2024-01-02,1,1,1,1\n",
            "which column holds open, high, low",
        ),
        ("open,high,low,close,volume\n1,1,1,1,1\n", "which column holds time"),
        ("1,2,3,4,5,6,7,8\n" * 3, "which column holds time, open"),
        (GENERIC + "2024-01-02 13:00,1,2\n", "row 5 has 3 cells, expected 6"),
        (GENERIC + "2024-01-02 13:00,1,2,1,1,5,7\n", "row 5 has 7 cells"),
        (GENERIC + "2024-01-02 13:00,1,2,x,1,5\n", "row 5: 'x' is no number"),
        (GENERIC + "2024-01-02 13:00,1,2,1 000,1,5\n", "row 5: '1 000' is no number"),
        (GENERIC + ",1,2,1,1,5\n", "row 5: '' is no time"),
        (GENERIC + "zwölf,1,2,1,1,5\n", "row 5: 'zwölf' is no time"),
        (GENERIC + "tomorrow,1,2,1,1,5\n", "row 5: 'tomorrow' is no time"),
        (GENERIC + '2024-01-02 13:00,"1,2,1,1,5', "row 5 has 2 cells"),
        (GENERIC + "x" * 20_000, "a line has 20,000 characters"),
        (GENERIC + "2024-01-02 13:00,1\0,2,1,1,5\n", "zero bytes"),
        (
            "symbol," + GENERIC.replace("\n2", "\nA,2").replace("A,2", "B,2", 1),
            r"2 symbols \(A, B\)",
        ),
        (b"\xff\xfe\x00", "no UTF-16"),
        (b"\x80\x81" * 100, "no UTF-8"),
        (b"PK\x03\x04" + bytes(100), "zip archive; unpack it"),
        (b"\x1f\x8b" + bytes(100), "gzip file is damaged"),
        # Without the time, which would make the names of two collections differ.
        (gzip.compress(GENERIC.encode(), mtime=0)[:-12], "gzip file is damaged"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"PAR1" + bytes(100), "not a Parquet file"),
    ],
)
def test_what_holds_no_bars_is_refused_with_the_reason(text, problem):
    with pytest.raises(DataError, match=problem):
        read(text)


def test_first_row_without_prices_is_kept():
    text = GENERIC.replace("10:00,1.0,1.4,0.9,1.2,100", "10:00,,,,,")

    columns = read(text).columns

    assert columns.row.tolist() == [2, 3, 4]
    assert np.isnan(columns.close).tolist() == [True, False, False]


def test_broken_row_below_the_header_is_refused():
    with pytest.raises(DataError, match="row 2 has 2 cells"):
        read(GENERIC.replace("\n", "\nsome,units\n", 1))


def test_rows_before_the_header_are_skipped_and_counted():
    file = read("Exported by somebody\n\nEURUSD,H1\n" + GENERIC)

    assert first_row(file) == LAYOUTS["generic"][1]
    assert "2 rows before the table are skipped." in file.notes


def test_columns_of_the_same_name_are_asked_for():
    text = GENERIC.replace("volume", "Close")
    with pytest.raises(DataError, match="several columns are named 'close'"):
        read(text)

    assert read(text, columns={"close": "6"}).columns.close.tolist() == [100, 200, 300]


def test_yfinance_file_of_several_tickers_is_refused():
    text = LAYOUTS["yfinance"][0].replace("AAPL,AAPL\n", "AAPL,MSFT\n")

    with pytest.raises(DataError, match=r"2 symbols \(AAPL, MSFT\)"):
        read(text)


def test_longer_bars_are_not_taken_for_shorter_ones():
    hours = "".join(f"2024-01-02 {hour:02}:00,1,1,1,1\n" for hour in range(12))
    text = "time,open,high,low,close\n" + hours

    with pytest.raises(DataError, match=r"no 1m bars.*less than 1h apart"):
        read(text, timeframe=Timeframe.M1)
    assert read(text, timeframe=Timeframe.H1).timeframe is Timeframe.H1


def test_gzip_bomb_is_refused():
    bomb = gzip.compress(bytes(1_000_000), mtime=0)

    with pytest.raises(DataError, match="unpacks to more than 10,000 bytes"):
        read(bomb, most_bytes=10_000)


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr("ktrdr.data.files.csv_file.MAX_ROWS", 2)

    with pytest.raises(DataError, match="more than 2 rows"):
        read(GENERIC)


def test_parquet_with_too_many_rows_is_refused_before_all_are_unpacked(monkeypatch):
    table = Table.from_arrays([Array.from_numpy(np.ones(1000))], names=["open"])
    endless = repeat(table.to_batches()[0])
    monkeypatch.setattr("ktrdr.data.parquet.read_parquet", lambda *_, **__: endless)

    with pytest.raises(DataError, match="more than 20,000,000 rows; split it"):
        read(parquet_of(time=HOURS, **price_columns()))


def test_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "EURUSD.csv"
    with path.open("wb") as file:
        file.truncate(2 << 30)

    with pytest.raises(DataError, match=r"2,147,483,648 bytes.*split it"):
        read_file(path, ReadOptions())


def test_missing_file_folder_and_nonsense_are_told_apart(tmp_path):
    with pytest.raises(NotFoundError, match="there is no file"):
        read_file(tmp_path / "nope.csv", ReadOptions())
    with pytest.raises(InputError, match="is no file"):
        read_file(tmp_path, ReadOptions())
    with pytest.raises(InputError, match="can't be read"):
        read_file(Path("a\0b"), ReadOptions())


def test_error_of_a_file_begins_with_its_name(tmp_path):
    path = tmp_path / "EURUSD.csv"
    path.write_text("")

    with pytest.raises(DataError, match=r"^EURUSD\.csv: the file is empty"):
        read_file(path, ReadOptions())


def test_blocks_of_rows_are_joined():
    rows = 12_345
    times = np.datetime64("2024-01-01") + np.arange(rows).astype("timedelta64[m]")
    text = "time,open,high,low,close,volume\n" + "".join(
        f"{time},1,2,1,1,{i}\n" for i, time in enumerate(times)
    )

    file = read(text)

    assert len(file.columns) == rows
    assert file.columns.volume.tolist() == list(range(rows))
    assert file.columns.row.tolist() == list(range(2, rows + 2))
    assert file.timeframe is Timeframe.M1


def parquet_of(**columns):
    file = io.BytesIO()
    write_parquet(Table.from_arrays(list(columns.values()), names=list(columns)), file)
    return file.getvalue()


def price_columns(kind=None):
    values = Array.from_numpy(np.array([1.0, 2.0]))
    cast = values.cast(kind) if kind else values
    return dict.fromkeys(("Open", "High", "Low", "Close", "Volume"), cast)


HOURS = Array.from_numpy(np.array([1704189600, 1704193200]))


@pytest.mark.parametrize(
    "time",
    [
        Array.from_numpy(np.array([1704189600, 1704193200])),
        Array.from_numpy(np.array([1704189600000.0, 1704193200000.0])),
        HOURS.cast(DataType.timestamp("s", tz="UTC")),
        HOURS.cast(DataType.timestamp("s", tz="Europe/Berlin")),
        HOURS.cast(DataType.timestamp("s")).cast(DataType.timestamp("ns")),
        Array(["2024-01-02 10:00", "2024-01-02 11:00"], type=DataType.string()),
    ],
)
def test_parquet_files_of_others_are_read(time):
    file = read(parquet_of(Date=time, **price_columns()), "EURUSD.parquet")

    assert first_row(file) == ("2024-01-02T10:00", 1, 1, 1, 1, 1)
    assert file.timeframe is Timeframe.H1
    assert file.columns.row.tolist() == [1, 2]


def test_zone_applies_to_times_of_parquet_that_have_none():
    naive = parquet_of(time=HOURS.cast(DataType.timestamp("s")), **price_columns())
    aware = parquet_of(
        time=HOURS.cast(DataType.timestamp("s", tz="UTC")), **price_columns()
    )

    file = read(naive, zone="America/New_York")
    assert first_row(file)[0] == "2024-01-02T15:00"
    with pytest.raises(InputError, match="not needed"):
        read(aware, zone="America/New_York")


def test_dates_of_parquet_are_days():
    days = Array.from_numpy(np.array([19724, 19725], dtype=np.int32))
    file = read(parquet_of(date=days.cast(DataType.date32()), **price_columns()))

    assert first_row(file)[0] == "2024-01-02T00:00"
    assert file.timeframe is Timeframe.D1


@pytest.mark.parametrize(
    "kind", [DataType.float32(), DataType.int64(), DataType.string(), DataType.uint8()]
)
def test_prices_of_parquet_may_be_of_any_kind_of_number(kind):
    file = read(parquet_of(time=HOURS, **price_columns(kind)))

    assert file.columns.close.tolist() == [1.0, 2.0]


def test_missing_values_of_parquet_are_missing_prices():
    prices = price_columns()
    prices["Open"] = Array([1.0, None], type=DataType.float64())

    file = read(parquet_of(time=HOURS, **prices))

    assert np.isnan(file.columns.open).tolist() == [False, True]


def test_own_parquet_file_tells_symbol_and_timeframe():
    bars = random_bars(5, symbol="BTC/USDT", timeframe=Timeframe.H4)

    file = read(bars_to_parquet(bars), "whatever.parquet")

    assert (file.symbol, file.timeframe) == ("BTC/USDT", Timeframe.H4)
    assert file.columns.close.tolist() == bars.close.tolist()


BYTES = Array([b"x", b"y"], type=DataType.binary())
HALF = Array([1, None], type=DataType.int64())


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"time": HOURS}, "which column holds open"),
        (price_columns(), "which column holds time"),
        (
            {"time": Array([b"x", b"y"], type=DataType.binary()), **price_columns()},
            "no time",
        ),
        (
            {"time": Array([1, None], type=DataType.int64()), **price_columns()},
            "1 of 2 rows have no time",
        ),
        (
            {
                "time": HOURS,
                **price_columns(),
                "Open": Array([True, False], type=DataType.bool()),
            },
            "column Open holds Boolean, expected numbers",
        ),
    ],
)
def test_parquet_without_bars_is_refused(columns, problem):
    with pytest.raises(DataError, match=problem):
        read(parquet_of(**columns))


@pytest.mark.parametrize("names", [["AAPL", None], [None, None]])
def test_missing_symbols_of_parquet_name_none(names):
    symbol = Array(names, DataType.string())

    file = read(parquet_of(time=HOURS, symbol=symbol, **price_columns()), "MSFT.pq")

    assert file.symbol == (names[0] or "MSFT")


def test_sample_set_comes_back_from_its_parquet_file():
    file = read(bars_to_parquet(sample_bars()))

    assert file.columns.time.tolist() == sample_bars().time.tolist()


cells = st.sampled_from(
    "1 1.5 -3 nan 1e999 2024-01-02 10:00 01/02/2024 1704189600 1704189600000 null x é "
    "20240102 2024.01.02 9999999999999999999 inf 2024-01-02T25:00 1,5 : - T 0".split(
        " "
    )
)
headers = st.sampled_from(
    ["time,open,high,low,close", "Date,Time,Open,High,Low,Close,Vol", "", "a,b,c,d,e"]
)


@st.composite
def table_like_text(draw):
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    rows = draw(st.lists(st.lists(cells, min_size=4, max_size=8), max_size=6))
    lines = [draw(headers).replace(",", separator), *map(separator.join, rows)]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode()


@given(
    st.binary(max_size=400)
    | table_like_text()
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=100).map(lambda data: GENERIC.encode() + data)
    | st.binary(max_size=100).map(gzip.compress)
    | st.binary(max_size=100).map(lambda data: b"\xff\xfe" + data)
)
@example(b'"' * 300)
@example(b"\r" * 300)
@example(b"\v")
@example("time,open,high,low,close\n\u0662\u0660\u0662\u0664,1,1,1,1\n".encode())
@settings(deadline=None, max_examples=600)
def test_any_bytes_give_columns_or_a_clear_error(data):
    try:
        file = read(data)
    except InputError:
        return
    assert len(file.columns) > 0
