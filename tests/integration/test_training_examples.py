"""Every example strategy is trained, whole, on the sample set."""

import numpy as np
import pytest

from ktrdr.data import BarStore, install_sample
from ktrdr.features import compute_features, load_symbol_bars
from ktrdr.models import decide, load_bundle, predictor_of
from ktrdr.schemas import TrainingRequest
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import examples_folder
from ktrdr.training import train

EXAMPLES = sorted(examples_folder().glob("*.yaml"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    install_sample(BarStore(ArtifactStore.in_folder(folder / "store")))
    return folder


def test_there_are_enough_examples():
    assert len(EXAMPLES) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_becomes_a_model_that_decides(home, path):
    request = TrainingRequest(
        strategy=path.read_text(),
        source=str(path),
        store=str(home / "store"),
        checkpoints=str(home / "checkpoints"),
    )
    outcome = train(request)
    store = ArtifactStore.in_folder(home / "store")
    bundle = load_bundle(store, outcome.model)
    strategy = bundle.strategy

    split = outcome.split
    assert split.train.end < split.validation.start
    assert split.validation.end < split.test.start
    assert split.train.n_samples > 1000
    for part in ("train", "validation", "test"):
        by_model = outcome.metrics[part]
        assert set(by_model) == {"model", "linear", "majority"}
    assert outcome.verdict.sentences

    symbol = load_symbol_bars(BarStore(store), strategy, "EURUSD", {})
    matrix = compute_features(strategy, symbol.bars, bundle.fitted)
    outputs = predictor_of(bundle).predict(matrix.values)
    targets = decide(strategy.decisions, outputs)
    assert np.isnan(outputs).any(axis=1).tolist() == (~matrix.is_known).tolist()
    assert set(np.unique(targets)) <= {-1, 0, 1}
