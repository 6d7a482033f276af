import gzip
import hashlib
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np

from ktrdr.data import BarStore, Timeframe, install_sample, sample_bars
from ktrdr.storage import ArtifactStore

_FOLDER = files("ktrdr.data").joinpath("samples")


def test_sample_set_is_what_the_notice_says():
    bars = sample_bars()

    assert (bars.symbol, bars.timeframe, len(bars)) == ("EURUSD", Timeframe.H1, 6225)
    assert bars.time[0] == np.datetime64("2017-01-01T22:00")
    assert bars.close_time[-1] == np.datetime64("2017-12-29T22:00")
    assert (bars.volume > 0).all()
    assert (bars.open[0], bars.close[-1]) == (1.05236, 1.20075)


def test_file_is_the_upstream_file_and_the_notice_names_its_hash():
    packed = _FOLDER.joinpath("EURUSD_1h_2017_ask.csv.gz").read_bytes()
    notice = _FOLDER.joinpath("NOTICE.md").read_text()

    assert len(packed) < 400_000
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() in notice
    assert "Copyright (c) 2019 Mohammad Amin Haghpanah" in notice


def test_weeks_open_and_close_at_five_in_new_york_so_times_are_utc():
    bars = sample_bars()
    ends = np.flatnonzero(np.diff(bars.time) > np.timedelta64(40, "h"))
    zone, utc = ZoneInfo("America/New_York"), ZoneInfo("UTC")
    clock = [
        f"{moment.replace(tzinfo=utc).astimezone(zone):%a %H:%M}"
        for moment in (*bars.close_time[ends].tolist(), *bars.time[ends + 1].tolist())
    ]

    assert clock.count("Fri 17:00") == 51
    # The week after Christmas Eve opened an hour late.
    assert clock.count("Sun 17:00") == 50
    assert clock.count("Sun 18:00") == 1


def test_installing_twice_stores_once(tmp_path):
    bar_store = BarStore(ArtifactStore.in_folder(tmp_path))

    first, second = install_sample(bar_store), install_sample(bar_store)

    assert first == second
    assert bar_store.list() == [first]
    assert first.kind == "sample"
    assert first.quality["gaps, closed"] == 50
    assert first.quality["bars missing, holiday"] == 15
    assert "bars missing, unexpected" not in first.quality
    np.testing.assert_array_equal(bar_store.load(first).close, sample_bars().close)
