"""Plan a sweep: check every point, and pack the points into jobs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

from ktrdr.backtesting import MEASURES, load_model
from ktrdr.errors import InputError, Problem, StrategyError
from ktrdr.models import find_model
from ktrdr.schemas import Overrides, Snapshots, SweepRequest, Trial, TrialsRequest
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import (
    Strategy,
    TradingOverrides,
    is_trading_path,
    parse_strategy,
)
from ktrdr.studies.plan import PlannedRun, StudyPlan, model_name, pinned
from ktrdr.studies.points import make_points
from ktrdr.studies.same_bars import check_same_bars

# Measures of which more is better.
METRICS = (
    "sharpe",
    "sortino",
    "calmar",
    "total_return",
    "annual_return",
    "max_drawdown",
    "win_rate",
    "profit_factor",
    "expectancy",
    "average_trade_return",
)
_LEAST_PACK = 50
_PACKS_PER_WORKER = 3
_MOST_TRAININGS = 2_000
_MOST_PROBLEMS = 20
_MOST_BAD = 100


def plan_sweep(
    request: SweepRequest, store: ArtifactStore, *, n_workers: int
) -> StudyPlan:
    """Return the jobs of a sweep.

    Parameters
    ----------
    request : SweepRequest
    store : ArtifactStore
        Holds the model, if one is named, and the bars.
    n_workers : int
        How many jobs run side by side.

    Returns
    -------
    StudyPlan
        Trials of a trained model in a few packs for each worker, so that thousands
        of short backtests are not thousands of jobs; those that decide alike lie
        together, since they share most of the work. Of a strategy, one job for each
        model that has to be trained, with all its trials.

    Raises
    ------
    InputError
        If there are too many points, the metric is none, or points would be ranked
        on different bars.
    StrategyError
        If any point is invalid; each problem once, with the number of its points.
    NotFoundError
        If the model or bars are not stored.
    """
    _check_metric(request.metric)
    trials = _numbered(request)
    if request.model is not None:
        return _plan_of_model(request, store, trials, n_workers)
    return _plan_of_strategy(request, store, trials)


def trials_of_jobs(request: SweepRequest, n_jobs: int) -> list[Sequence[Trial]]:
    """Return the trials of each of the ``n_jobs`` that ``plan_sweep`` has planned."""
    trials = _numbered(request)
    if request.model is not None:
        return _cut(_by_decisions(trials), n_jobs)
    return list(_variants(trials).values())


def _numbered(request: SweepRequest) -> list[Trial]:
    points = make_points(request)
    return [Trial(number=i, overrides=one) for i, one in enumerate(points)]


def _check_metric(metric: str) -> None:
    if metric in METRICS:
        return
    known = {one.name for one in MEASURES}
    what = "is no measure of which more is better" if metric in known else "is unknown"
    raise InputError(f"metric {metric[:80]!r} {what}; expected {', '.join(METRICS)}")


def _plan_of_model(
    request: SweepRequest, store: ArtifactStore, trials: Sequence[Trial], n_workers: int
) -> StudyPlan:
    found = find_model(store, request.model or "")
    model = load_model(store, found.digest)
    manifest = model.bundle.manifest
    overrides = TradingOverrides(manifest.strategy_yaml, f"strategy of {found}")
    problems = _Problems(f"strategy of {found}")
    for trial in trials:
        with problems.of(1):
            overrides.settings(trial.overrides)
    problems.refuse()
    snapshots = pinned(
        store,
        model.strategy,
        trained=(),
        traded=request.symbol,
        given=request.snapshots,
    )
    packs = packed(_by_decisions(trials), n_workers)
    runs = [
        PlannedRun(
            kind="trials",
            title=f"{found}: trials, part {at} of {len(packs)}",
            request=TrialsRequest(
                model=found.digest,
                source=request.source,
                trials=tuple(pack),
                symbol=request.symbol,
                part=request.part,
                snapshots=snapshots,
            ),
        )
        for at, pack in enumerate(packs, start=1)
    ]
    return StudyPlan(
        title=_title(str(found), request, len(trials)),
        runs=tuple(runs),
        n_trials=len(trials),
    )


def packed(trials: Sequence[Trial], n_workers: int) -> list[Sequence[Trial]]:
    """Return the trials in packs of about equal size: a few a worker, none tiny."""
    most = max(1, n_workers) * _PACKS_PER_WORKER
    return _cut(trials, max(1, min(most, len(trials) // _LEAST_PACK)))


def _cut(trials: Sequence[Trial], n_packs: int) -> list[Sequence[Trial]]:
    edges = [round(len(trials) * at / n_packs) for at in range(n_packs + 1)]
    return [trials[a:b] for a, b in pairwise(edges)]


def _by_decisions(trials: Sequence[Trial]) -> list[Trial]:
    def decisions(trial: Trial) -> str:
        own = {k: v for k, v in trial.overrides.items() if k.startswith("decisions")}
        return repr(sorted(own.items()))

    return sorted(trials, key=decisions)


def _plan_of_strategy(
    request: SweepRequest, store: ArtifactStore, trials: Sequence[Trial]
) -> StudyPlan:
    text = request.strategy or ""
    strategy = parse_strategy(text, request.source)
    variants = _variants(trials)
    if len(variants) > _MOST_TRAININGS:
        raise InputError(
            f"the sweep would train {len(variants):,} models, at most "
            f"{_MOST_TRAININGS:,} expected: vary fewer values outside of backtest and "
            "decisions, which alone need no training"
        )
    checked = _checked_variants(request, text, variants)
    check_same_bars([variant for _, variant, _ in checked], request.part)
    pins = _Pins(store, request)
    runs = [
        PlannedRun(
            kind="training_trials",
            title=f"{strategy.name}: model {at} of {len(checked)}",
            request=TrialsRequest(
                strategy=text,
                source=request.source,
                training=training,
                model_name=model_name(variant, "sweep"),
                trials=tuple(map(_trading_only, own)),
                symbol=request.symbol,
                part=request.part,
                snapshots=pins.of(variant),
                device=request.device,
                threads=request.threads,
            ),
        )
        for at, (training, variant, own) in enumerate(checked, start=1)
    ]
    return StudyPlan(
        title=_title(strategy.name, request, len(trials)),
        runs=tuple(runs),
        n_trials=len(trials),
    )


class _Pins:
    """Snapshots of each variant; variants on the same data share a look-up."""

    def __init__(self, store: ArtifactStore, request: SweepRequest) -> None:
        self._store = store
        self._request = request
        self._known: dict[str, Snapshots] = {}

    def of(self, strategy: Strategy) -> Snapshots:
        data = strategy.training_data
        key = repr((data.symbols, data.timeframes, data.base_timeframe))
        if key not in self._known:
            self._known[key] = pinned(
                self._store,
                strategy,
                trained=data.symbols,
                traded=self._request.symbol,
                given=self._request.snapshots,
            )
        return self._known[key]


def _checked_variants(
    request: SweepRequest, text: str, variants: Mapping[str, Sequence[Trial]]
) -> list[tuple[Overrides, Strategy, Sequence[Trial]]]:
    """Return each variant's training overrides, its strategy and its trials."""
    checked = []
    problems = _Problems(request.source)
    for own in variants.values():
        training = {
            path: value
            for path, value in own[0].overrides.items()
            if not is_trading_path(path)
        }
        with problems.of(len(own)):
            overrides = TradingOverrides(text, request.source, training)
            checked.append((training, overrides.strategy, own))
            for trial in own:
                with problems.of(1):
                    overrides.settings(_trading_only(trial).overrides)
    problems.refuse()
    return checked


class _Problems:
    """Collects what is wrong with points: each problem once, with how many have it.

    Reading on costs time for every bad point, so that there is an end to it.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts: Counter[Problem] = Counter()
        self._n_bad = 0

    @contextmanager
    def of(self, n_points: int) -> Iterator[None]:
        """Note the problems that ``n_points`` points share."""
        try:
            yield
        except StrategyError as error:
            for problem in error.problems:
                self._counts[problem] += n_points
            self._n_bad += 1
            if self._n_bad == _MOST_BAD:
                self.refuse()

    def refuse(self) -> None:
        """Raise StrategyError if there are any."""
        if not self._counts:
            return
        rest = " or more" if self._n_bad == _MOST_BAD else ""
        found = [
            replace(problem, message=f"{problem.message} [{_points(count)}{rest}]")
            for problem, count in self._counts.most_common(_MOST_PROBLEMS)
        ]
        if len(self._counts) > _MOST_PROBLEMS:
            more = f"{len(self._counts) - _MOST_PROBLEMS:,} more problems"
            found.append(Problem(path="", line=None, message=more))
        raise StrategyError(found, f"{self._source} with the sweep's values")


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count:,} points"


def _title(name: str, request: SweepRequest, n_trials: int) -> str:
    paths = ", ".join(one.path.rpartition(".")[2] for one in request.parameters)
    count = "1 trial" if n_trials == 1 else f"{n_trials:,} trials"
    return f"sweep of {name}: {count} of {paths}"[:200]


def _variants(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Group trials by all that their training sees."""
    variants: dict[str, list[Trial]] = {}
    for trial in trials:
        seen = [
            item for item in trial.overrides.items() if not is_trading_path(item[0])
        ]
        variants.setdefault(repr(sorted(seen)), []).append(trial)
    return variants


def _trading_only(trial: Trial) -> Trial:
    own = {k: v for k, v in trial.overrides.items() if is_trading_path(k)}
    return Trial(number=trial.number, overrides=own)
