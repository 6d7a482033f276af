"""``ktrdr data``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ktrdr.cli import output
from ktrdr.cli.data import app
from ktrdr.errors import DataError, InputError, NotFoundError
from ktrdr.settings import Settings

FAULTY = """time,open,high,low,close,volume
2024-01-02 10:00,1.0,1.4,0.9,1.2,100
2024-01-02 10:00,1.0,1.4,0.9,1.2,100
2024-01-02 11:00,1.2,1.3,1.1,1.35,200
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    own = Settings(home=tmp_path / "home")
    monkeypatch.setattr("ktrdr.settings.settings", lambda: own)
    monkeypatch.setenv("COLUMNS", "100")
    # Consoles are made once and would keep the streams of an earlier test.
    for console in (output.console, output.notes):
        console.cache_clear()
    return own.home


def run(*arguments, exit_code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == exit_code
    return result


def run_json(*arguments, exit_code=0):
    return json.loads(run(*arguments, "--json", exit_code=exit_code).stdout)


@pytest.fixture
def faulty(tmp_path):
    path = tmp_path / "EURUSD.csv"
    path.write_text(FAULTY)
    return path


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "GBPUSD.csv"
    lines = FAULTY.splitlines()
    path.write_text("\n".join([lines[0], lines[1], "2024-01-02 11:00,1,1,1,1,1\n"]))
    return path


def test_sample_is_stored_and_shown():
    assert "EURUSD 1h: 6,225 bars" in run("sample").stdout
    assert "EURUSD 1h" in run("list").stdout

    shown = run("show", "eurusd", "--last", "50", "--rows", "2").stdout

    assert "each candle is a bar" in shown
    assert "┃" in shown
    assert "2017-12-29 21:00" in shown
    assert "1.20075" in shown


def test_show_as_json_holds_the_bars_asked_for():
    run("sample")

    document = run_json(
        "show", "EURUSD", "--from", "2017-03-01", "--to", "2017-03-01T03:00Z"
    )

    assert document["columns"] == ["time", "open", "high", "low", "close", "volume"]
    assert [row[0] for row in document["rows"]] == [
        "2017-03-01T00:00:00.000Z",
        "2017-03-01T01:00:00.000Z",
        "2017-03-01T02:00:00.000Z",
    ]
    assert document["snapshot"]["symbol"] == "EURUSD"


def test_show_of_nothing_says_so():
    with pytest.raises(NotFoundError, match="no bars of EURUSD are stored"):
        run("show", "EURUSD")
    run("sample")
    with pytest.raises(NotFoundError, match="no bars then"):
        run("show", "EURUSD", "--from", "2030-01-01")
    with pytest.raises(InputError, match="not a time"):
        run("show", "EURUSD", "--from", "yesterday")


def test_empty_store_says_how_to_fill_it():
    result = run("list")

    assert "ktrdr data import" in result.stderr
    assert run_json("list") == []


def test_import_says_what_it_assumed_and_stores(sound):
    result = run("import", sound)

    assert "Stored GBPUSD 1h: 2 bars" in result.stdout
    assert "Symbol GBPUSD as the file's name suggests" in result.stderr
    assert "taken as UTC" in result.stderr
    assert "Nothing new" in run("import", sound).stdout


def test_import_of_faulty_data_is_refused(faulty):
    with pytest.raises(DataError, match="repeats another row"):
        run("import", faulty)
    assert run_json("list") == []


def store(prices, volume=1.0):
    """Store hourly bars of ABC whose four prices are all the same."""
    path = Path("ABC.csv")
    rows = [
        f"2024-01-02 {hour:02}:00{f',{price!r}' * 4},{volume!r}"
        for hour, price in enumerate(prices)
    ]
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    run("import", path)


@pytest.mark.parametrize(
    ("prices", "shown"),
    [
        ([1.1, 1.10523], ["1.10000", "1.10523"]),
        ([0.00002249, 0.000023], ["0.00002249", "0.00002300"]),
        ([101134.7, 101186.02], ["101,134.70", "101,186.02"]),
        ([1e-300, 2e-300], ["1e-300", "2e-300"]),
        ([5, 5], [" 5 "]),
    ],
)
def test_prices_are_shown_with_the_decimals_that_all_of_them_need(
    prices, shown, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    store(prices)

    table = run("show", "ABC").stdout.partition("Opens (UTC)")[2]

    for text in shown:
        assert text in table


@pytest.mark.parametrize("prices", [[1.123451, 1.123459], [1.5e9, 1.5001e9], [2, 3]])
def test_axis_of_the_chart_tells_its_rows_apart(prices, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store(prices)

    lines = run("show", "ABC", "--rows", "0").stdout.splitlines()[1:-1]
    axis = [line.split()[0] for line in lines]

    assert len(set(axis)) == len(axis) == 16


def test_numbers_too_wide_for_the_terminal_are_folded_and_not_cut(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")
    store([1.12345, 1.12346], volume=123456789012345.0)

    table = run("show", "ABC").stdout.partition("candle")[2]

    assert "…" not in table.partition("2024-")[2]


def test_name_of_a_file_is_no_markup(sound):
    path = sound.rename(sound.with_name("[red]GBPUSD[bold].csv"))
    run("import", path, "--symbol", "GBPUSD")

    assert "[red]GBPUSD[bold].csv" in run("list").stdout


def test_moment_beyond_the_calendar_is_no_crash():
    run("sample")

    document = run_json("show", "EURUSD", "--from", "0001-01-01T00:00+14:00")

    assert len(document["rows"]) == 100


def test_repaired_file_is_not_called_faulty_without_a_word(faulty):
    assert "faulty before the repair" in run("import", faulty, "--repair").stdout


def test_repair_says_each_change_and_provenance_keeps_them(faulty):
    result = run("import", faulty, "--repair")

    changes = [
        "row 3 (2024-01-02T10:00:00.000): duplicate removed",
        "row 4 (2024-01-02T11:00:00.000): high raised: 1.3 -> 1.35",
    ]
    for change in changes:
        assert change in result.stderr
    told = run("provenance", "EURUSD").stdout
    for change in changes:
        assert change in told
    document = run_json("provenance", "EURUSD")
    assert [one["row"] for one in document["changes"]] == [3, 4]
    assert (
        run_json("provenance", document["digest"][:12])["digest"] == document["digest"]
    )


def test_import_as_json_is_one_document(faulty):
    document = run_json("import", faulty, "--repair", "--symbol", "abc", "-t", "1h")

    assert document["is_new"] is True
    assert document["snapshot"]["symbol"] == "ABC"
    assert [one["kind"] for one in document["changes"]] == [
        "duplicate_removed",
        "high_raised",
    ]
    assert list(document["quality"]["faults"]) == [
        "high below or low above another price",
        "repeats another row",
    ]


def test_import_takes_mapping_zone_and_format(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("w,a,b,c,d\n01/02/2024 10:00,1,2,1,1\n01/02/2024 11:00,1,2,1,1\n")
    columns = [f"--column={each}" for each in ("time=w", "open=a", "high=b", "low=c")]

    document = run_json(
        "import",
        path,
        *columns,
        "-c",
        "close=4",
        "--timezone",
        "America/New_York",
        "--time-format",
        "%m/%d/%Y %H:%M",
        "--labelled-by",
        "close",
    )

    assert document["snapshot"]["start"] == "2024-01-02T14:00:00Z"
    assert document["snapshot"]["settings"]["column close"] == "c"


@pytest.mark.parametrize("column", ["open", "=x", "open=", "nope=x"])
def test_sloppy_mapping_is_refused(sound, column):
    with pytest.raises(InputError, match="--column"):
        run("import", sound, "--column", column)
    with pytest.raises(InputError, match="once"):
        run("import", sound, "-c", "open=open", "-c", "open=open")


def test_check_of_a_file_tells_faults_and_leaves_with_their_exit_code(faulty):
    result = run("check", faulty, exit_code=4)

    assert "FAULT   1 row: repeats another row: row 3" in result.stdout
    assert "faulty" in result.stdout
    document = run_json("check", faulty, exit_code=4)
    assert document["counts"]["repeats another row"] == 1
    assert run_json("list") == []


def test_check_of_stored_bars_tells_gaps_apart():
    run("sample")

    assert "50 closed (0 bars), 2 holiday (15 bars), 0 unexpected" in (
        run("check", "EURUSD").stdout
    )
    document = run_json("check", "EURUSD", "--calendar", "24/7")
    assert document["calendar"] == "24/7"
    assert document["counts"]["gaps, unexpected"] == 52
    assert len(document["unexpected_gaps"]) == 52
    assert document["unexpected_gaps"][0]["n_missing"] == 49


def test_check_of_a_file_that_is_not_there():
    with pytest.raises(NotFoundError, match="there is no file"):
        run("check", "nope.csv")


def test_resample_stores_what_it_made_and_tells_partial_bars():
    run("sample")

    result = run("resample", "EURUSD", "--to", "4h")

    assert "EURUSD 4h: 1,608 bars" in result.stdout
    assert "first 4h bar, 2017-01-01 20:00, lacks its beginning" in result.stderr
    assert "last 4h bar, 2017-12-29 20:00, is left out" in result.stderr
    document = run_json("provenance", "EURUSD", "--timeframe", "4h")
    hourly = run_json("provenance", "EURUSD", "--timeframe", "1h")
    assert document["kind"] == "resampled"
    assert document["source_digest"] == hourly["digest"]
    assert len(document["notes"]) == 2


def test_resample_to_a_shorter_or_the_same_timeframe_is_refused():
    run("sample")

    with pytest.raises(InputError, match="can't be made of 1h bars"):
        run("resample", "EURUSD", "--to", "5m")
    with pytest.raises(InputError, match="is 1h already"):
        run("resample", "EURUSD", "--to", "1h")
    with pytest.raises(InputError, match="unknown timeframe '2h'"):
        run("resample", "EURUSD", "--to", "2h")


def test_list_shows_the_latest_and_all_on_demand(sound):
    run("import", sound)
    sound.write_text(sound.read_text() + "2024-01-02 12:00,1,1,1,1,1\n")
    run("import", sound)

    assert [one["n_bars"] for one in run_json("list")] == [3]
    assert [one["n_bars"] for one in run_json("list", "--all")] == [2, 3]


def test_module_loads_nothing_heavy():
    code = (
        "import sys, ktrdr.cli.data\n"
        "heavy = {'numpy', 'arro3', 'rich.table', 'holidays', 'obstore', 'pydantic'}\n"
        "print(', '.join(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "\n"
