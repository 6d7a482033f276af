import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from ktrdr.cli import models
from ktrdr.data import BarStore, Provenance
from ktrdr.errors import DataError, InputError, NotFoundError
from ktrdr.models import save_bundle
from ktrdr.settings import settings
from ktrdr.storage import ArtifactStore
from tests.builders import random_bars
from tests.unit.models.bundles import REGRESSION, model


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    settings.cache_clear()
    yield ArtifactStore.in_folder(settings().store_path)
    settings.cache_clear()


def with_bars(store):
    bars = random_bars(300)
    provenance = Provenance(kind="made", source="a test", imported_at=datetime.now(UTC))
    BarStore(store).save(bars, provenance)
    return bars


def run(*arguments):
    result = CliRunner().invoke(models.app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_of_nothing_says_what_to_do(store):
    assert run("list") == ""
    assert json.loads(run("list", "--json")) == []


def test_list_shows_the_measure_beside_the_baselines(store):
    description, tensors = model()
    kinds = {"model": 0.41, "linear": 0.39, "majority": 0.3333333}
    metrics = {
        "test": {kind: {"balanced_accuracy": value} for kind, value in kinds.items()}
    }
    ref = save_bundle(
        store, description.model_copy(update={"metrics": metrics}), tensors
    )
    lines = run("list").splitlines()
    assert lines[1].split()[:2] == ["two_timeframes@1", "TEST"]
    assert lines[1].endswith("balanced accuracy   0.41    0.39    0.3333")
    listed = json.loads(run("list", "--json"))
    assert [one["model"] for one in listed] == ["two_timeframes@1"]
    assert listed[0]["digest"] == ref.digest
    assert listed[0]["metrics"] == metrics


def test_model_without_measures_is_listed(store):
    description, tensors = model()
    save_bundle(store, description.model_copy(update={"metrics": {}}), tensors)
    assert run("list").splitlines()[1].split()[-3:] == ["-", "-", "-"]


def test_show_tells_provenance_split_and_history(store):
    ref = save_bundle(store, *model())
    shown = run("show", "two_timeframes", "--history")
    for expected in (
        ref.digest,
        "mlp 11 - 6 - 4 - 3, relu, to short, flat, long",
        "2020-01-13T12:00:00Z",
        "2 epochs, ran all its epochs; weights of epoch 1 kept; seed 42",
        "a test",
    ):
        assert expected in shown
    assert shown.splitlines()[-2].split() == [
        "1",
        "1.100000",
        "1.000000",
        "0.001",
        "kept",
    ]


def test_show_as_json_is_the_whole_manifest(store):
    ref = save_bundle(store, *model())
    document = json.loads(run("show", ref.digest[:8], "--json"))
    assert document.pop("digest") == ref.digest
    assert document == json.loads(store.get(ref.digest))


def test_show_checks_the_weights_too(store, tmp_path):
    ref = save_bundle(store, *model())
    digest = json.loads(store.get(ref.digest))["weights"]["digest"]
    file = settings().store_path / "blobs" / digest[:2] / digest
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match="bytes, expected"):
        run("show", "two_timeframes")


def test_explain_draws_and_tells(store):
    with_bars(store)
    save_bundle(store, *model())
    told = run("explain", "two_timeframes", "--at", "2020-01-12T05:30")
    assert "1h momentum (rsi)" in told
    assert "4h place (bands.upperband)" in told
    assert "At the close of bar 2020-01-12 05:00 the model says" in told
    assert "1h_momentum_low" in told


def test_contributions_printed_as_json_are_complete(store):
    bars = with_bars(store)
    save_bundle(store, *model(*REGRESSION))
    document = json.loads(run("explain", "two_timeframes", "--last", "3", "--json"))
    assert [one["time"] for one in document["bars"]] == [
        f"{time}Z" for time in bars.time[-3:].astype("datetime64[s]").astype(str)
    ]
    for one in document["bars"]:
        total = sum(each["contribution"] for each in one["features"])
        assert total == pytest.approx(one["margin"] - one["reference_margin"], abs=1e-9)
    assert [one["name"] for one in document["memberships"]] == [
        "1h_momentum",
        "4h_momentum",
        "4h_place",
    ]


def test_newest_bar_is_explained_unless_told_otherwise(store):
    with_bars(store)
    save_bundle(store, *model())
    assert "At the close of bar 2020-01-18 11:00" in run("explain", "two_timeframes")


def test_positions_begin_with_the_test_part(store):
    with_bars(store)
    rule = ("{format: classification}", "{format: classification, exit_on: opposite}")
    save_bundle(store, *model(rule))
    at = ("--at", "2020-01-16T00:00", "--json")
    (alone,) = json.loads(run("explain", "two_timeframes", *at))["bars"]
    sides = {"short": -1, "flat": 0, "long": 1}
    # Nothing is held at the first bar of the test part, so its signal decides alone.
    assert alone["target"] == sides[alone["says"]]


def test_time_without_a_bar_is_told_with_the_nearest(store):
    with_bars(store)
    save_bundle(store, *model())
    with pytest.raises(NotFoundError, match="the nearest: 2020-01-18T11:00:00Z"):
        run("explain", "two_timeframes", "--at", "2021-01-01")
    with pytest.raises(NotFoundError, match="the nearest: 2020-01-06T00:00:00Z"):
        run("explain", "two_timeframes", "--at", "2019-01-01")


def test_symbol_without_bars_is_told(store):
    with_bars(store)
    save_bundle(store, *model())
    with pytest.raises(NotFoundError, match="no 1h bars of GBPUSD"):
        run("explain", "two_timeframes", "--symbol", "gbpusd")


@pytest.mark.parametrize("content", ["", "null", "{}", '{"digest": 1}'])
def test_damaged_record_is_told_with_its_file_beside_the_others(
    store, tmp_path, content, caplog
):
    save_bundle(store, *model())
    intact = save_bundle(store, *model())
    record = tmp_path / "store/records/models/two_timeframes/000001.json"
    record.write_text(content)
    assert [one["model"] for one in json.loads(run("list", "--json"))] == [str(intact)]
    (warning,) = caplog.messages
    assert "two_timeframes/000001.json in the artifact store is damaged" in warning
    with pytest.raises(DataError, match=r"two_timeframes/000001\.json .* is damaged"):
        run("show", "two_timeframes@1")


def test_foreign_files_among_the_records_are_no_models(store, tmp_path, caplog):
    save_bundle(store, *model())
    folder = tmp_path / "store/records/models"
    for name in ("notes.json", "two_timeframes/draft.json", "two_timeframes/a/1.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    assert len(json.loads(run("list", "--json"))) == 1
    assert caplog.messages == []
