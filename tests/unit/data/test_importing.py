from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ktrdr.data import (
    BarStore,
    ReadOptions,
    Timeframe,
    bars_to_parquet,
    import_file,
    sample_bars,
)
from ktrdr.errors import DataError
from ktrdr.storage import ArtifactStore, digest_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SOUND = """time,open,high,low,close,volume
2024-01-02 10:00,1.0,1.4,0.9,1.2,100
2024-01-02 11:00,1.2,1.3,1.1,1.25,200
2024-01-02 12:00,1.25,1.5,1.2,1.4,300
"""
FAULTY = (
    SOUND
    + "2024-01-02 12:00,1.25,1.5,1.2,1.4,300\n2024-01-02 13:00,1.3,1.35,1.3,1.4,1\n"
)


@pytest.fixture
def bar_store(tmp_path):
    return BarStore(ArtifactStore.in_folder(tmp_path / "store"))


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="EURUSD.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_file


def test_import_stores_bars_with_their_provenance(bar_store, write):
    path = write(SOUND)

    outcome = import_file(bar_store, path, ReadOptions(), now=NOON)

    snapshot = outcome.snapshot
    assert outcome.is_new
    assert bar_store.latest("EURUSD", Timeframe.H1) == snapshot
    assert bar_store.load(snapshot).close.tolist() == [1.2, 1.25, 1.4]
    assert (snapshot.kind, snapshot.source) == ("file", "EURUSD.csv")
    assert snapshot.source_digest == digest_of(path.read_bytes())
    assert snapshot.imported_at == NOON
    assert snapshot.settings["column open"] == "open"
    assert snapshot.settings["time zone"] == "UTC, assumed"
    assert snapshot.settings["calendar"] == "fx"
    assert snapshot.notes == outcome.notes


def test_importing_the_same_file_again_says_that_nothing_is_new(bar_store, write):
    path = write(SOUND)
    first = import_file(bar_store, path, ReadOptions(), now=NOON)

    later = NOON + timedelta(days=1)
    second = import_file(bar_store, path, ReadOptions(), now=later)

    assert not second.is_new
    assert second.snapshot == first.snapshot
    assert len(bar_store.list()) == 1


def test_same_bars_in_another_file_are_nothing_new(bar_store, write, tmp_path):
    import_file(bar_store, write(SOUND), ReadOptions(), now=NOON)
    bars = bar_store.load(bar_store.latest("EURUSD", Timeframe.H1))
    path = tmp_path / "EURUSD.parquet"
    path.write_bytes(bars_to_parquet(bars))

    assert not import_file(bar_store, path, ReadOptions(), now=NOON).is_new


def test_longer_history_is_a_new_snapshot_beside_the_old(bar_store, write):
    old = import_file(bar_store, write(SOUND), ReadOptions(), now=NOON).snapshot
    longer = write(SOUND + "2024-01-02 13:00,1.4,1.4,1.4,1.4,1\n")

    new = import_file(
        bar_store, longer, ReadOptions(), now=NOON + timedelta(hours=1)
    ).snapshot

    assert bar_store.latest("EURUSD", Timeframe.H1) == new
    assert len(bar_store.load(old)) == 3
    assert len(bar_store.load(new)) == 4


def test_faulty_data_are_refused_with_a_list_and_nothing_is_stored(bar_store, write):
    with pytest.raises(DataError) as caught:
        import_file(bar_store, write(FAULTY), ReadOptions(), now=NOON)

    message = str(caught.value)
    assert "EURUSD.csv: EURUSD 1h is faulty" in message
    assert "1 row: high below or low above another price: row 6" in message
    assert "1 row: repeats another row: row 5" in message
    assert "--repair" in message
    assert bar_store.list() == []


def test_repair_says_and_records_every_change(bar_store, write):
    outcome = import_file(
        bar_store, write(FAULTY), ReadOptions(), repaired=True, now=NOON
    )

    assert [str(change) for change in outcome.changes] == [
        "row 5 (2024-01-02T12:00:00.000): duplicate removed",
        "row 6 (2024-01-02T13:00:00.000): high raised: 1.35 -> 1.4",
    ]
    snapshot = bar_store.latest("EURUSD", Timeframe.H1)
    assert bar_store.changes(snapshot) == outcome.changes
    assert snapshot.change_counts == {"duplicate_removed": 1, "high_raised": 1}
    assert snapshot.quality["repeats another row"] == 1
    assert len(bar_store.load(snapshot)) == 4


def test_repair_of_sound_data_changes_nothing(bar_store, write):
    outcome = import_file(
        bar_store, write(SOUND), ReadOptions(), repaired=True, now=NOON
    )

    assert outcome.changes == ()
    assert outcome.snapshot.changes_digest is None


def test_bars_of_the_future_have_no_repair(bar_store, write):
    path = write(SOUND.replace("2024", "2124"))

    with pytest.raises(DataError, match="these have no repair"):
        import_file(bar_store, path, ReadOptions(), repaired=True, now=NOON)


def test_sample_set_survives_a_round_through_text(bar_store, write):
    bars = sample_bars()
    rows = zip(
        np.datetime_as_string(bars.time, unit="m"),
        *(getattr(bars, name) for name in ("open", "high", "low", "close", "volume")),
        strict=True,
    )
    text = "time,open,high,low,close,volume\n" + "".join(
        f"{time},{o!r},{h!r},{lo!r},{c!r},{v!r}\n"
        for time, o, h, lo, c, v in (
            (time, *map(float, values)) for time, *values in rows
        )
    )

    outcome = import_file(bar_store, write(text), ReadOptions(), now=NOON)

    assert bars_to_parquet(bar_store.load(outcome.snapshot)) == bars_to_parquet(bars)


@pytest.mark.slow
def test_a_long_file_is_imported_whole(bar_store, tmp_path):
    n_rows = 250_000
    times = np.datetime64("2020-01-01T00:00") + np.arange(n_rows).astype("m8[m]")
    path = tmp_path / "BTCUSDT.csv"
    with path.open("w") as file:
        file.write("time,open,high,low,close,volume\n")
        file.writelines(
            f"{time},1.5,2.5,0.5,1.75,{i}\n" for i, time in enumerate(times)
        )

    outcome = import_file(bar_store, path, ReadOptions(), now=NOON)

    assert outcome.snapshot.n_bars == n_rows
    assert outcome.report.calendar == "24/7"
    assert outcome.report.gaps.begin.size == 0
