"""Finding strategy files, the examples, and beginning new ones."""

import pytest

from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.settings import Settings
from ktrdr.strategy import (
    examples_folder,
    expand_inputs,
    find_strategy,
    list_strategies,
    load_strategy,
    new_strategy,
    summarize,
)
from tests.unit.strategy.texts import BASE

EXAMPLES = (
    "mean_reversion",
    "minimal",
    "momentum",
    "multi_timeframe",
    "trend",
    "volatility",
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    folder = tmp_path / "strategies"
    own = Settings(strategies=folder, home=tmp_path / "home")
    for module in ("files", "new"):
        monkeypatch.setattr(f"ktrdr.strategy.{module}.settings", lambda: own)
    return folder


class TestExamples:
    def test_are_those_promised(self):
        stems = {path.stem for path in examples_folder().glob("*.yaml")}
        assert stems >= set(EXAMPLES)

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_is_valid_and_bears_its_name(self, name):
        path = examples_folder() / f"{name}.yaml"
        strategy = load_strategy(path)
        assert strategy.name == name
        assert strategy.description
        assert strategy.training_data.symbols == ("EURUSD",)
        assert path.read_text().startswith("# ")
        assert expand_inputs(strategy)

    def test_together_use_the_whole_grammar(self):
        all_ = [load_strategy(path) for path in examples_folder().glob("*.yaml")]
        assert {one.training.labels.type for one in all_} == {
            "forward_return",
            "triple_barrier",
            "zigzag",
        }
        assert {one.decisions.format for one in all_} == {
            "classification",
            "regression",
        }
        assert {one.training.loss.type for one in all_} >= {
            "cross_entropy",
            "focal",
            "huber",
        }
        assert {one.backtest.sizing.type for one in all_} == {
            "fraction",
            "units",
            "risk",
            "volatility_target",
        }
        schedulers = {
            one.training.scheduler.type for one in all_ if one.training.scheduler
        }
        assert schedulers == {"cosine", "step", "plateau"}
        assert {one.training.optimizer.type for one in all_} == {"adam", "adamw", "sgd"}
        sets = [one for strategy in all_ for one in strategy.fuzzy_sets.values()]
        shapes = {term.type for one in sets for term in one.memberships.values()}
        assert shapes >= {
            "triangular",
            "trapezoidal",
            "gaussian",
            "generalized_bell",
            "sigmoid",
        }
        assert any(one.auto for one in sets)
        assert any(entry.raw_indicator for one in all_ for entry in one.nn_inputs)

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_can_be_told_in_words(self, name):
        strategy = load_strategy(examples_folder() / f"{name}.yaml")
        lines = summarize(strategy)
        topics = [topic for topic, _ in lines if topic]
        assert topics[:2] == ["about", "data"]
        assert topics[-1] == "backtest"
        words = " ".join(line for _, line in lines)
        for one in expand_inputs(strategy):
            assert all(feature in words for feature in one.feature_ids)


class TestFind:
    def test_takes_a_name_from_the_examples(self):
        assert find_strategy("momentum") == examples_folder() / "momentum.yaml"

    def test_prefers_the_users_folder(self, own_folder):
        own_folder.mkdir()
        own = own_folder / "momentum.yml"
        own.write_text(BASE)
        assert find_strategy("momentum") == own
        assert [path for path in list_strategies() if path.stem == "momentum"] == [own]

    def test_takes_a_path(self, tmp_path):
        path = tmp_path / "here.yaml"
        path.write_text(BASE)
        assert find_strategy(str(path)) == path

    @pytest.mark.parametrize(
        ("wanted", "told"),
        [
            ("momentun", r"did you mean momentum\?"),
            ("zzz", "expected one of mean_reversion, minimal, momentum"),
            ("none.yaml", "file none.yaml does not exist"),
            ("a/b", "file a/b does not exist"),
            ("", "no strategy named ''"),
            ("a\0b", "no strategy named"),
        ],
    )
    def test_names_what_is_nearest(self, wanted, told):
        with pytest.raises(NotFoundError, match=told):
            find_strategy(wanted)


class TestNew:
    @pytest.mark.parametrize("example", EXAMPLES)
    def test_writes_a_valid_commented_file(self, own_folder, example):
        path = new_strategy("mine", example)
        assert path == own_folder / "mine.yaml"
        begun, model = load_strategy(path), load_strategy(find_strategy(example))
        assert begun == model.model_copy(update={"name": "mine"})
        assert path.read_text().startswith(f"# mine, begun from {example}.yaml.\n")
        assert find_strategy("mine") == path

    def test_never_overwrites(self, own_folder):
        path = new_strategy("mine")
        path.write_text("kept")
        with pytest.raises(ConflictError, match="exists already"):
            new_strategy("mine")
        assert path.read_text() == "kept"

    @pytest.mark.parametrize("name", ["", "../x", "a b", "9a", "a" * 65, "a\n", "é"])
    def test_refuses_names_that_can_not_be(self, name, own_folder):
        with pytest.raises(InputError, match="can't name a strategy"):
            new_strategy(name)
        assert not own_folder.exists()

    def test_refuses_an_unknown_example(self):
        with pytest.raises(NotFoundError):
            new_strategy("mine", "none")

    def test_takes_a_file_of_ones_own(self, tmp_path):
        source = tmp_path / "base.yaml"
        source.write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
        assert load_strategy(new_strategy("mine", str(source))).name == "mine"
