"""The work that is under way while things break, and the account of it."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ktrdr.backtesting import list_results
from ktrdr.client import Client
from ktrdr.errors import BackendError, DatabaseError
from ktrdr.models import list_models
from ktrdr.schemas import (
    BacktestStart,
    OperationDocument,
    Parameter,
    ProbesStart,
    SweepStart,
    TrainingStart,
    WalkForwardStart,
    WorkStart,
)
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import examples_folder, read_strategy_text, with_overrides
from ktrdr.studies import list_studies

_PAUSE_S = 0.2
_N_BACKTESTS_AHEAD = 8
_N_SWEEPS_AHEAD = 2
_N_PROBES = 5
_EVERY_N_A_BACKTEST = 15


def training(seed: int) -> TrainingStart:
    """Return a training of some seconds that writes checkpoints all the time."""
    text = read_strategy_text(examples_folder() / "momentum.yaml")
    overrides = {
        "training.epochs": 150,
        "training.early_stopping": None,
        "training.checkpoint.every_epochs": 2,
        "training.checkpoint.every_seconds": 0.5,
        "training.seed": seed,
    }
    return TrainingStart(strategy=with_overrides(text, overrides)[0])


def backtest(model: str, seed: int) -> BacktestStart:
    """Return a backtest of about a second."""
    return BacktestStart(model=model, seed=seed, resamples=200)


def sweep(model: str, seed: int) -> SweepStart:
    """Return a sweep of some packs of short trials."""
    stops = tuple(0.001 * step for step in range(1, 31))
    return SweepStart(
        model=model,
        parameters=(
            Parameter(path="backtest.stops.stop_loss", values=stops),
            Parameter(path="decisions.thresholds.long", values=(0.5, 0.55, 0.6, 0.65)),
        ),
        seed=seed,
    )


def walk_forward() -> WalkForwardStart:
    """Return a walk-forward study of some short trainings."""
    text = read_strategy_text(examples_folder() / "momentum.yaml")
    overrides = {"training.epochs": 10, "training.early_stopping": None}
    return WalkForwardStart(strategy=with_overrides(text, overrides)[0], n_windows=2)


@dataclass(kw_only=True, eq=False)
class Load(threading.Thread):
    """Fills the queue with short and long work, then adds to it until told to stop.

    Attributes
    ----------
    model : str
        What backtests are made of.
    seeds : sequence of int
        Of the trainings.
    """

    url: str
    model: str
    seeds: Sequence[int]
    is_over: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def fill(self) -> None:
        """Ask for so much that there is work until the last fault."""
        with Client(self.url, patience_s=120) as client:
            for number, start in enumerate(self._ahead()):
                self._ask(client, start, f"ahead-{number}")

    def run(self) -> None:
        """Start work: what the backend has acknowledged is noted as asked for."""
        with Client(self.url, patience_s=120) as client:
            for number in itertools.count():
                if self.is_over.is_set():
                    return
                self._ask(client, self._next(number), f"load-{number}")
                time.sleep(_PAUSE_S)

    def _ahead(self) -> Iterator[WorkStart]:
        yield from map(training, self.seeds)
        yield walk_forward()
        for number in range(_N_SWEEPS_AHEAD):
            yield sweep(self.model, number)
        for number in range(_N_BACKTESTS_AHEAD):
            yield backtest(self.model, number)

    def _next(self, number: int) -> WorkStart:
        if number % _EVERY_N_A_BACKTEST == 0:
            return backtest(self.model, _N_BACKTESTS_AHEAD + number)
        # A backtest that waits before them must not keep them from being done.
        return ProbesStart(
            n=_N_PROBES, queue="training-cpu" if number % 2 else "backtest", priority=1
        )

    def _ask(self, client: Client, start: WorkStart, key: str) -> None:
        # The same key until it is answered: asked once, however often it is sent.
        while not self.is_over.is_set():
            try:
                operations = _start(client, start, key)
            except (BackendError, DatabaseError):
                time.sleep(_PAUSE_S)
            else:
                self.asked += [operation.id for operation in operations]
                return


def _start(client: Client, start: WorkStart, key: str) -> Sequence[OperationDocument]:
    # Probes have no key: an answer that is lost leaves more than was asked for.
    if isinstance(start, ProbesStart):
        return client.system.probe(start)
    return [client.operations.start(start, key=key)]


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of the work.

    Attributes
    ----------
    n_asked : int
        Operations that the backend acknowledged.
    kinds : dict of str to int
        How many operations there are of each kind, children of studies among them.
    n_lost_attempts : int
        Attempts whose worker was lost.
    lost : list of str
        Acknowledged, but not there, or there twice.
    twice : list of str
        Completed more than once: by their events, or in the artifact store.
    stuck : list of str
        Not ended.
    wrong : list of str
        Ended otherwise than completed.
    weights : dict of str to str
        Operation of each training to digest of its weights.
    """

    n_asked: int
    kinds: dict[str, int]
    n_attempts: int
    n_lost_attempts: int
    lost: list[str]
    twice: list[str]
    stuck: list[str]
    wrong: list[str]
    weights: dict[str, str]

    def __str__(self) -> str:
        return (
            f"{self.n_asked} operations asked for; done were {self.kinds} in "
            f"{self.n_attempts} attempts, {self.n_lost_attempts} of them broken off: "
            f"{len(self.lost)} lost, {len(self.twice)} completed twice, "
            f"{len(self.stuck)} stuck, {len(self.wrong)} ended wrongly"
        )


def take_account(url: str, home: Path, asked: Sequence[str]) -> Account:
    """Compare what was asked for with what lies in database and store."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute("SELECT * FROM ktrdr.operations").fetchall()
        completions = connection.execute(
            "SELECT operation_id, count(*) AS n FROM ktrdr.events "
            "WHERE type = 'state' AND data->>'state' = 'completed' GROUP BY 1"
        ).fetchall()
        attempts = connection.execute(
            "SELECT count(*) AS n, count(*) FILTER (WHERE outcome = 'lost') AS n_lost "
            "FROM ktrdr.attempts"
        ).fetchone() or {"n": 0, "n_lost": 0}
    by_id = {row["id"]: row for row in rows}
    mine = [by_id[one] for one in asked if one in by_id]
    keys = Counter(row["idempotency_key"] for row in rows if row["idempotency_key"])
    return Account(
        n_asked=len(asked),
        kinds=dict(sorted(Counter(row["kind"] for row in rows).items())),
        n_attempts=attempts["n"],
        n_lost_attempts=attempts["n_lost"],
        lost=[one for one in asked if one not in by_id]
        + [key for key, n in keys.items() if n > 1],
        twice=[row["operation_id"] for row in completions if row["n"] > 1]
        + _twice_in_store(home, rows),
        stuck=[row["id"] for row in rows if row["finished_at"] is None],
        wrong=[row["id"] for row in rows if row["finished_at"] and not _is_fine(row)],
        weights={
            row["id"]: row["result"]["weights"]
            for row in mine
            if row["kind"] == "training" and row["result"]
        },
    )


def wait_for_end(url: str, patience_s: float) -> None:
    """Return when every operation has ended, or when patience has."""
    deadline_s = time.monotonic() + patience_s
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline_s:
            row = connection.execute(
                "SELECT count(*) FROM ktrdr.operations WHERE finished_at IS NULL"
            ).fetchone()
            if row == (0,):
                return
            time.sleep(_PAUSE_S)


def _is_fine(row: dict[str, Any]) -> bool:
    return bool(row["state"] == "completed")


def _twice_in_store(home: Path, rows: Sequence[dict[str, Any]]) -> list[str]:
    store = ArtifactStore.open(str(home / "store"))
    done = Counter(row["kind"] for row in rows if row["state"] == "completed")
    trained = done["training"] + done["training_trials"]
    # Each window of a walk-forward study lists a model and a result.
    backtested = done["backtest"] + done["training_trials"]
    studied = done["sweep"] + done["walk_forward"]
    counts = {
        "models": (len(list_models(store)), trained),
        "results": (len(list_results(store)), backtested),
        "studies": (len(list_studies(store)), studied),
    }
    return [
        f"{n_there} {name} of {n_done} operations"
        for name, (n_there, n_done) in counts.items()
        if n_there != n_done
    ]


def random_pause(chance: random.Random, mean_s: float) -> None:
    """Sleep for a random time."""
    time.sleep(min(chance.expovariate(1 / mean_s), 4 * mean_s))
