"""Kill processes, stop the database, and see that no work is lost or done twice.

``make test-faults`` runs it in full; ``KTRDR_FAULT_KILLS`` and ``KTRDR_FAULT_STOPS``
say how often.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrdr.client import Client
from ktrdr.data import BarStore, install_sample
from ktrdr.database import EmbeddedPostgres
from ktrdr.schemas import OperationDocument
from ktrdr.storage import ArtifactStore
from tests.faults.cluster import Cluster
from tests.faults.load import (
    Account,
    Load,
    random_pause,
    take_account,
    training,
    wait_for_end,
)

N_KILLS = int(os.environ.get("KTRDR_FAULT_KILLS", "500"))
N_STOPS = int(os.environ.get("KTRDR_FAULT_STOPS", "50"))
SEEDS = (1, 2, 3)
_MEAN_S_BETWEEN_KILLS = 0.5
_MEAN_S_BETWEEN_STOPS = 3.0
_PATIENCE_S = 600.0

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    install_sample(BarStore(ArtifactStore.open(str(tmp_path / "store"))))
    running = Cluster(folder=tmp_path, server=EmbeddedPostgres(tmp_path / "postgres"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


def test_no_work_is_lost_when_processes_are_killed(cluster: Cluster):
    chance = random.Random(20261122)
    peaceful, model = train_in_peace(cluster)
    load = start_load(cluster, model)
    victims: Counter[str] = Counter()
    while victims.total() < N_KILLS:
        random_pause(chance, _MEAN_S_BETWEEN_KILLS)
        victims.update([cluster.kill_one(chance)])
        cluster.revive()
    account = finish(cluster, load)
    print(f"\n{victims.total()} kills: {dict(sorted(victims.items()))}\n{account}")
    check(account, peaceful)


def test_no_work_is_lost_when_the_database_is_stopped_at_once(cluster: Cluster):
    chance = random.Random(20261123)
    peaceful, model = train_in_peace(cluster)
    load = start_load(cluster, model)
    for _ in range(N_STOPS):
        random_pause(chance, _MEAN_S_BETWEEN_STOPS)
        cluster.server.stop("immediate")
        random_pause(chance, 0.3)
        cluster.server.start()
        cluster.revive()
    account = finish(cluster, load)
    print(f"\n{N_STOPS} immediate stops of PostgreSQL\n{account}")
    check(account, peaceful)


def train_in_peace(cluster: Cluster) -> tuple[dict[int, str], str]:
    """Train with every seed, undisturbed; return their weights and one model."""
    with Client(cluster.url) as client:
        started = {
            seed: client.operations.start(training(seed), key=f"peace-{seed}")
            for seed in SEEDS
        }
        ended = {seed: last_of(client, one.id) for seed, one in started.items()}
    results = {seed: one.result or {} for seed, one in ended.items()}
    return {seed: one["weights"] for seed, one in results.items()}, str(
        results[SEEDS[0]]["model"]
    )


def last_of(client: Client, operation: str) -> OperationDocument:
    for told in client.operations.follow(operation):
        if isinstance(told, OperationDocument) and told.state.is_final:
            return told
    raise AssertionError(f"{operation} was not followed to its end")


def start_load(cluster: Cluster, model: str) -> Load:
    load = Load(url=cluster.url, model=model, seeds=SEEDS)
    load.fill()
    load.start()
    return load


def finish(cluster: Cluster, load: Load) -> Account:
    """Let everything come to its end in peace and see what there is."""
    load.is_over.set()
    load.join(_PATIENCE_S)
    assert not load.is_alive()
    cluster.revive()
    cluster.wait_ready()
    began_s = time.monotonic()
    wait_for_end(cluster.server.url, _PATIENCE_S)
    print(f"\nall ended {time.monotonic() - began_s:.0f} s after the last fault")
    return take_account(cluster.server.url, cluster.folder, load.asked)


def check(account: Account, peaceful: dict[int, str]) -> None:
    assert account.n_asked > 50
    assert (account.lost, account.twice, account.stuck, account.wrong) == (
        [],
        [],
        [],
        [],
    )
    # Killed and resumed as often as it was, each gives the weights of its seed.
    assert account.weights
    assert (
        list(account.weights.values())
        == list(peaceful.values())[: len(account.weights)]
    )
