"""The whole way with an artifact store on a real S3 server, and what may go wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ktrdr.backtesting import list_results, load_result
from ktrdr.cli.jobs import run_job
from ktrdr.data import BarStore
from ktrdr.models import find_model, list_models, load_bundle
from ktrdr.schemas import BacktestRequest, TrainingRequest
from ktrdr.storage import ArtifactStore, blob_path, parse_digest
from tests.builders import random_bars
from tests.s3 import S3Server, running_s3, set_s3_environment
from tests.unit.backtesting.stored_models import filled_store, save_bars
from tests.unit.training.strategies import strategy_text

pytestmark = pytest.mark.slow
BARS = random_bars(600, seed=3)
TRAINING, BACKTEST = "ktrdr.workers.training_job", "ktrdr.workers.backtest_job"


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture
def bucket(s3_server, monkeypatch, tmp_path) -> str:
    set_s3_environment(monkeypatch, s3_server)
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path / "home"))
    url: str = s3_server.new_bucket()
    save_bars(ArtifactStore.open(url), BARS)
    return url


def training(place, tmp_path, name="scratch", **changes):
    return TrainingRequest(
        strategy=strategy_text(),
        store=place,
        checkpoints=str(tmp_path / name),
        **changes,
    )


def command(*words, **environment):
    program = "from ktrdr.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_training_and_its_backtest_are_the_same_on_s3_as_in_a_folder(
    bucket, tmp_path
):
    folder = str(tmp_path / "store")
    save_bars(ArtifactStore.open(folder), BARS)
    weights, tables = [], []
    for place in (folder, bucket):
        made = run_job(TRAINING, training(place, tmp_path), as_json=True)
        request = BacktestRequest(model="small", store=place, resamples=100)
        found = run_job(BACKTEST, request, as_json=True)
        store = ArtifactStore.open(place)
        result = load_result(store, parse_digest(str(found["digest"])))
        weights.append(made["weights"])
        tables.append((result.manifest.equity, result.manifest.decisions))
        assert find_model(store, "small@1").digest == made["model"]
        assert [one.digest for one in list_results(store)] == [found["digest"]]
        assert np.isfinite(result.equity).all()
    assert weights[0] == weights[1]
    assert tables[0] == tables[1]
    # The processes kept what they read and wrote in the cache of their home.
    kept = set(os.listdir(tmp_path / "home" / "cache" / "blobs"))
    assert {weights[1], *tables[1]} <= kept


def test_attempts_at_once_in_processes_of_their_own_list_one_model_and_result(
    bucket, tmp_path
):
    def train(attempt):
        request = training(bucket, tmp_path, f"scratch{attempt}", operation="op1")
        return run_job(TRAINING, request, as_json=True)["model"]

    with ThreadPoolExecutor(3) as pool:
        (model,) = set(pool.map(train, range(3)))
    store = ArtifactStore.open(bucket)
    assert [ref.digest for ref in list_models(store)] == [model]

    def backtest(attempt):
        request = BacktestRequest(
            model="small", store=bucket, resamples=100, seed=attempt, operation="op2"
        )
        return run_job(BACKTEST, request, as_json=True)["digest"]

    with ThreadPoolExecutor(3) as pool:
        (result,) = set(pool.map(backtest, range(3)))
    assert [one.digest for one in list_results(store)] == [result]


def test_an_attempt_after_the_model_was_claimed_lists_it_without_training(
    bucket, tmp_path
):
    first = run_job(TRAINING, training(bucket, tmp_path, operation="op1"), as_json=True)
    store = ArtifactStore.open(bucket)
    # As if the first attempt had died before it listed the model; and newer bars
    # have come since, on which the model would be another.
    store.delete_record("models", ("small", "000001"))
    save_bars(store, random_bars(700, seed=4))
    again = training(bucket, tmp_path, operation="op1", resume=True)
    second = run_job(TRAINING, again, as_json=True)
    assert {**second, "seconds": 0} == {**first, "seconds": 0}
    assert [ref.digest for ref in list_models(store)] == [first["model"]]


WRITER = """
import sys
from ktrdr.storage import ArtifactStore
from tests.unit.models.bundles import model
from ktrdr.models import save_bundle
store = ArtifactStore.open(sys.argv[1])
description, tensors = model(seed=int(sys.argv[2]))
print("ready", flush=True)
for number in range(1000):
    save_bundle(store, description, tensors, f"op{number}")
"""


def test_writers_killed_at_any_moment_leave_nothing_half_done(tmp_path):
    """Kill -9 in the middle of claims and registrations; what is listed is whole."""
    place = str(tmp_path / "store")
    for turn in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, place, str(turn)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(0.02 + 0.015 * turn)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    store = ArtifactStore.open(place)
    listed = list_models(store)
    assert listed
    assert [ref.version for ref in listed] == list(range(1, len(listed) + 1))
    for ref in listed:
        assert load_bundle(store, ref.digest).ref == ref
    done = command("store", "verify", "--json", KTRDR_STORE_URL=place)
    assert json.loads(done.stdout)["problems"] == []


def test_a_model_and_a_result_in_s3_repeat_identically(bucket, tmp_path):
    run_job(TRAINING, training(bucket, tmp_path), as_json=True)
    request = BacktestRequest(model="small", store=bucket, resamples=100)
    run_job(BACKTEST, request, as_json=True)
    for what in ("small@1", "latest"):
        done = command("rerun", what, "--json", KTRDR_STORE_URL=bucket)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["is_identical"] is True
    store = ArtifactStore.open(bucket)
    assert (len(list_models(store)), len(list_results(store))) == (1, 1)


class TestCommands:
    def test_info_verify_and_gc_of_a_bucket(self, bucket):
        def run(*words):
            done = command("store", *words, "--json", KTRDR_STORE_URL=bucket)
            return done.returncode, json.loads(done.stdout)

        store = ArtifactStore.open(bucket)
        spare = store.put(b"spare")
        code, info = run("info")
        assert (code, info["location"], info["n_blobs"]) == (0, bucket, 2)
        assert info["n_records"] == {"bars": 1}
        code, told = run("gc")
        assert code == 2
        assert "--without-operations" in told["error"]["message"]
        code, found = run("gc", "--without-operations", "--min-age-hours", "0")
        assert (code, found["deleted"]) == (0, [{"digest": spare, "size": 5}])
        assert run("verify")[1]["problems"] == []
        (snapshot,) = BarStore(store).list()
        store.files.overwrite(blob_path(snapshot.digest), b"damaged")
        code, found = run("verify")
        assert code == 1
        assert [one["kind"] for one in found["problems"]] == ["damaged_blob"]

    def test_what_is_printed_names_each_problem_once(self, tmp_path):
        filled_store(tmp_path / "store")
        store = ArtifactStore.in_folder(tmp_path / "store")
        store.files.overwrite("records/models/two_timeframes/000001.json", b"{")
        done = command("store", "verify", KTRDR_HOME=str(tmp_path))
        assert done.returncode == 1
        assert "1 problem:" in done.stdout
        assert "damaged record: records/models/two_timeframes/000001" in done.stdout
        listed = command("models", "list", KTRDR_HOME=str(tmp_path))
        assert listed.returncode == 0
        assert listed.stderr.count("000001.json in the artifact store is damaged") == 1

    def test_a_store_out_of_reach_is_told_in_one_line(self, bucket, s3_server):
        nowhere = {**s3_server.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
        began = time.monotonic()
        done = command("models", "list", KTRDR_STORE_URL=bucket, **nowhere)
        assert time.monotonic() - began < 60
        assert done.returncode == 13
        assert done.stderr.startswith("Error: records/models in s3://")
        assert done.stderr.count("\n") == 1

    def test_checkpoints_of_unfinished_operations_are_kept(
        self, tmp_path, database_url
    ):
        import psycopg

        store = ArtifactStore.in_folder(tmp_path / "store")
        digests = {
            state: store.put(f"checkpoint of {state}".encode())
            for state in ("pending", "running", "cancelled", "failed", "completed")
        }
        result = store.put(b"named by a result alone")
        with psycopg.connect(database_url) as connection:
            for state, digest in digests.items():
                connection.execute(
                    "INSERT INTO ktrdr.operations (id, kind, title, queue, state, "
                    "request, max_failures, created_by, checkpoints, result, "
                    "request_digest) VALUES (%s, 'training', 't', 'training-cpu', %s, "
                    "'{}', 5, 'local', %s, %s, '')",
                    [
                        state,
                        state,
                        json.dumps({"mlp": digest}),
                        json.dumps({"table": result}) if state == "completed" else None,
                    ],
                )
        done = command(
            "store",
            "gc",
            "--min-age-hours",
            "0",
            "--json",
            KTRDR_HOME=str(tmp_path),
            KTRDR_DATABASE_URL=database_url,
        )
        assert done.returncode == 0, done.stderr
        deleted = [one["digest"] for one in json.loads(done.stdout)["deleted"]]
        assert deleted == [digests["completed"]]
