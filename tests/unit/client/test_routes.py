"""The client and the real backend understand each other, route by route."""

import re

import httpx
import pytest

from ktrdr.backtesting import list_results, run_backtest
from ktrdr.client import Client
from ktrdr.errors import ConflictError, InputError, NotFoundError, StrategyError
from ktrdr.models import list_models, load_bundle
from ktrdr.progress import NoProgress
from ktrdr.schemas import (
    BacktestStart,
    CalculateRequest,
    CurvesRequest,
    EvaluateRequest,
    EventDocument,
    ImportOptions,
    OperationDocument,
    OperationState,
    Parameter,
    PredictRequest,
    ProbesStart,
    Role,
    SweepStart,
    TokenStart,
    TrainingStart,
    WalkForwardStart,
)
from ktrdr.storage import ArtifactStore, parse_digest
from tests.unit.backtesting.stored_models import request_for

pytestmark = pytest.mark.slow

# A browser's own: cookies are nothing for a program that has a token; and what is
# for those who have no client.
_OTHERS = {
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/openapi.json"),
}


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore.in_folder(tmp_path / "store")


@pytest.fixture
def strategy(store) -> str:
    (ref,) = list_models(store)
    return load_bundle(store, ref.digest).manifest.strategy_yaml


def ask_about_system(client: Client) -> None:
    assert client.system.live().status == "ok"
    assert client.system.ready().status == "ready"
    assert client.system.builds().backend.version
    assert client.system.workers() == ()
    assert client.system.user().name == "local"
    made = client.system.create_token(TokenStart(name="me", role=Role.VIEWER))
    assert [one.name for one in client.system.tokens()] == ["me"]
    with Client(client.url, made.token) as other:
        assert other.system.user().role is Role.VIEWER
    assert client.system.revoke_token("me").revoked_at is not None
    assert len(client.system.probe(ProbesStart(n=2))) == 2


def ask_about_data(client: Client, folder) -> None:
    sample = client.data.store_sample()
    assert sample.snapshot.n_bars == 6225
    assert {one.symbol for one in client.data.list()} == {"TEST", "EURUSD"}
    assert client.data.show("EURUSD").digest == sample.snapshot.digest
    page = client.data.bars("EURUSD", "1h", start="2017-03-01", limit=3)
    assert page.time[0] == "2017-03-01T00:00:00.000Z"
    assert client.data.quality("EURUSD").faults == {}
    assert client.data.gaps("EURUSD", kind="closed").n_gaps == 50
    assert client.data.resample("EURUSD", "4h").snapshot.timeframe == "4h"
    file = folder / "x.csv"
    rows = "\n".join(f"2020-01-0{day},1,3,1,2" for day in range(1, 9))
    file.write_text(f"date,open,high,low,close\n{rows}\n")
    options = ImportOptions(
        symbol="AB/CD", timeframe="1d", column=("close=close",), calendar="24/7"
    )
    assert client.data.import_file(file, options).snapshot.symbol == "AB/CD"
    assert client.data.show("AB/CD").n_bars == 8


def ask_about_indicators(client: Client) -> None:
    assert client.indicators.list("rsi")
    assert client.indicators.show("rsi").group == "momentum"
    request = CalculateRequest(symbol="TEST", type="rsi", last=3)
    assert len(client.indicators.calculate(request).time) == 3
    curves = client.indicators.curves(CurvesRequest(model="two_timeframes@1"))
    name = curves.curves[0].name
    asked = EvaluateRequest(
        model="two_timeframes@1", fuzzy_set=name, values=(1.0, None)
    )
    assert client.indicators.degrees(asked).degrees


def ask_about_strategies(client: Client, text: str) -> None:
    assert client.strategies.validate(text).valid
    assert not client.strategies.validate("name: x").valid
    features = client.strategies.features(text)
    saved = client.strategies.save(features.name, text)
    with pytest.raises(ConflictError):
        client.strategies.save(features.name, text + "# more\n")
    digest = saved.text_digest
    client.strategies.save(features.name, text + "# more\n", replaces=digest)
    client.strategies.save(features.name, text, overwrite=True)
    assert client.strategies.show(features.name).text == text
    assert features.name in {one.name for one in client.strategies.list()}
    client.strategies.delete(features.name, expected=digest)
    with pytest.raises(StrategyError) as found:
        client.strategies.save("x", "name: x")
    assert found.value.problems


def ask_about_models(client: Client) -> None:
    (model,) = client.models.list()
    assert client.models.show("two_timeframes").digest == model.digest
    said = client.models.predict("two_timeframes@1", PredictRequest(last=5))
    assert len(said.time) == 5
    explained = client.models.explain("two_timeframes", at=[said.time[-1]], last=2)
    assert len(explained.bars) == 2


def ask_about_results(client: Client, store: ArtifactStore) -> None:
    run_backtest(request_for(store.location), NoProgress())
    (result,) = client.results.list("two_timeframes")
    assert client.results.show().digest == result.digest
    assert client.results.table("latest", "trades").n_rows == result.n_trades
    assert client.results.report("latest", "html").lower().startswith(b"<!doctype")
    assert client.results.report("latest", "png").startswith(b"\x89PNG")
    assert client.results.report("latest", "json").startswith(b"{")


def ask_about_operations(client: Client, text: str) -> None:
    start = TrainingStart(strategy=text)
    training = client.operations.start_training(start)
    assert client.operations.start(start, key="k") == client.operations.start(
        start, key="k"
    )
    client.operations.start_backtest(BacktestStart(model="two_timeframes"))
    sweep = client.operations.start_sweep(
        SweepStart(
            model="two_timeframes",
            parameters=(Parameter(path="backtest.stops.stop_loss", values=(0.1, 0.2)),),
        )
    )
    client.operations.start_walk_forward(WalkForwardStart(strategy=text, n_windows=2))
    listed = list(client.operations.list(states=[OperationState.PENDING]))
    assert training.id in {one.id for one in listed}
    assert len(list(client.operations.children(sweep.id))) == sweep.n_children
    assert client.operations.get(training.id[:8]).id == training.id
    with pytest.raises(ConflictError, match="no result yet"):
        client.operations.result(training.id)
    assert client.operations.events(training.id)
    client.operations.cancel(training.id)
    followed = list(client.operations.follow(training.id))
    *events, ended = followed
    assert isinstance(ended, OperationDocument)
    assert ended.state is OperationState.CANCELLED
    assert any(isinstance(one, EventDocument) for one in events)
    assert client.operations.resume(training.id).state is OperationState.PENDING
    with pytest.raises(ConflictError):
        client.operations.retry(training.id)


def ask_about_artifacts(client: Client, store: ArtifactStore, cache) -> None:
    artifacts = client.artifacts(cache)
    assert list_results(artifacts) == list_results(store)
    digest = parse_digest(list_results(store)[0].digest)
    assert artifacts.get(digest) == store.get(digest)
    assert [file.name for file in cache.iterdir()] == [digest]
    with pytest.raises(InputError, match="can only be read"):
        artifacts.put(b"new")


def test_every_route_has_its_method(backend, client, store, strategy, tmp_path):
    ask_about_system(client)
    ask_about_data(client, tmp_path)
    ask_about_indicators(client)
    ask_about_strategies(client, strategy)
    ask_about_models(client)
    ask_about_results(client, store)
    ask_about_operations(client, strategy)
    ask_about_artifacts(client, store, tmp_path / "cache")
    client.models.delete("two_timeframes@1", force=True)
    with pytest.raises(NotFoundError):
        client.models.show("two_timeframes")
    assert not_asked(backend) == set()


def not_asked(backend) -> set[tuple[str, str]]:
    """Routes of the backend that no request has gone to."""
    paths = httpx.get(f"{backend.url}/api/v1/openapi.json").json()["paths"]
    routes = {
        (method.upper(), path)
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/v1/")
    }
    assert len(routes) > 40
    return {
        (method, route)
        for method, route in routes - _OTHERS
        if not any(
            method == asked and fits(route, path) for asked, path in backend.asked
        )
    }


def fits(route: str, path: str) -> bool:
    """Whether ``path`` is one of ``route``, whose parts in braces are any."""
    pattern = route.replace("{symbol}", ".+").replace("{key}", ".+")
    pattern = re.sub(r"\{\w+\}", "[^/]+", pattern)
    return re.fullmatch(pattern, path) is not None
