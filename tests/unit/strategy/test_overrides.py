from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.errors import InputError, StrategyError
from ktrdr.strategy import (
    EarlyStoppingSpec,
    TradingOverrides,
    examples_folder,
    is_trading_path,
    list_strategies,
    parse_strategy,
    with_overrides,
)

MOMENTUM = (examples_folder() / "momentum.yaml").read_text("utf-8")
MINIMAL = (examples_folder() / "minimal.yaml").read_text("utf-8")


def problems_of(overrides, text=MOMENTUM):
    with pytest.raises(StrategyError) as caught:
        with_overrides(text, overrides)
    assert all(problem.line is None for problem in caught.value.problems)
    return list(map(str, caught.value.problems))


def changed_lines(before, after):
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return [new for old, new in pairs if old != new]


class TestText:
    def test_a_value_is_replaced_where_it_stands(self):
        text, strategy = with_overrides(MOMENTUM, {"indicators.rsi.timeperiod": 21})
        assert changed_lines(MOMENTUM, text) == ["    timeperiod: 21"]
        assert strategy.indicators["rsi"].parameters["timeperiod"] == 21

    def test_comments_stay(self):
        text, _ = with_overrides(MOMENTUM, {"decisions.thresholds.long": 0.7})
        (line,) = changed_lines(MOMENTUM, text)
        assert line == "  thresholds: {long: 0.7, short: 0.6} # least probability"

    def test_a_key_that_is_not_there_is_added(self):
        text, strategy = with_overrides(
            MINIMAL,
            {
                "backtest.stops.stop_loss": 0.002,
                "backtest.stops.take_profit": 0.004,
                "training.early_stopping.patience": 3,
            },
        )
        assert strategy.backtest.stops.stop_loss == 0.002
        assert strategy.backtest.stops.take_profit == 0.004
        assert strategy.training.early_stopping == EarlyStoppingSpec(patience=3)
        assert parse_strategy(text) == strategy

    def test_lists_entries_and_nothing(self):
        _, strategy = with_overrides(
            MOMENTUM,
            {
                "fuzzy_sets.strength.weak.parameters": (25, 50),
                "fuzzy_sets.strength.strong.parameters[1]": 75,
                "model.hidden_layers": (32, 16, 8),
                "training.scheduler": None,
                "description": 'with "quotes": and # signs',
            },
        )
        terms = strategy.fuzzy_sets["strength"].memberships
        assert list(terms["weak"].parameters) == [25, 50]
        assert list(terms["strong"].parameters) == [50, 75]
        assert list(strategy.model.hidden_layers) == [32, 16, 8]
        assert not strategy.training.scheduler
        assert strategy.description == 'with "quotes": and # signs'

    def test_block_lists_and_block_texts_are_replaced(self):
        text = MINIMAL.replace(
            "symbols: [EURUSD]", "symbols:\n    - EURUSD # one\n    - GBPUSD"
        )
        text = text.replace("description: One", "description: |\n  One")
        changed, strategy = with_overrides(
            text, {"training_data.symbols": ("USDJPY",), "description": "two"}
        )
        assert strategy.training_data.symbols == ("USDJPY",)
        assert strategy.description == "two"
        assert parse_strategy(changed) == strategy

    def test_nothing_to_replace_leaves_the_text(self):
        assert with_overrides(MOMENTUM, {})[0] is MOMENTUM

    @pytest.mark.parametrize("path", list_strategies(), ids=lambda path: path.stem)
    def test_every_example_can_be_changed_in_place(self, path):
        before = path.read_text("utf-8")
        text, strategy = with_overrides(before, {"training.seed": 5})
        assert strategy.training.seed == 5
        assert text.count("#") == before.count("#")

    @settings(max_examples=40)
    @given(
        st.text("ab \"'#:{}[],&*!|>%@`\\\n\t\u00e9-1.eE~", max_size=20)
        | st.text(max_size=20).filter(str.isprintable)
    )
    def test_any_text_says_the_same(self, value):
        _, strategy = with_overrides(MINIMAL, {"description": value})
        assert strategy.description == value


class TestProblems:
    def test_an_unknown_path_names_the_nearest(self):
        (problem,) = problems_of({"backtest.stops.stop_los": 0.1})
        assert problem.startswith("backtest.stops.stop_los: unknown key")
        assert "did you mean stop_loss?" in problem

    def test_an_unknown_section_names_the_nearest(self):
        (problem,) = problems_of({"backtst.stops.stop_loss": 0.1})
        assert "did you mean backtest?" in problem

    def test_an_unknown_name_names_the_nearest(self):
        (problem,) = problems_of({"indicators.rsii.timeperiod": 3})
        assert problem == ("indicators.rsii: there is no such name (did you mean rsi?)")
        (problem,) = problems_of({"fuzzy_sets.strength.week.parameters": (1, 2)})
        assert "did you mean weak?" in problem

    def test_a_value_of_the_wrong_type_is_told(self):
        (problem,) = problems_of({"training.epochs": "five"})
        assert problem.startswith("training.epochs: found 'five', expected a whole")
        (problem,) = problems_of({"training.epochs": 2.5})
        assert "expected a whole number" in problem

    def test_what_contradicts_itself_afterwards_is_told(self):
        (problem,) = problems_of({"backtest.stops.stop_loss": None})
        assert "size by risk needs backtest.stops.stop_loss" in problem

    def test_all_problems_at_once(self):
        found = problems_of(
            {"training.epochs": 0, "decisions.thresholds.long": 3, "model.x": 1}
        )
        assert len(found) == 3

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("a..b", "is no path"),
            ("", "is no path"),
            ("nn_inputs[9].fuzzy_set", "found 4 entries"),
            ("nn_inputs.x", "is a list without keys"),
            ("name.first", "is a single value without keys"),
            ("backtest[0]", "found no list"),
        ],
    )
    def test_paths_that_lead_nowhere(self, path, message):
        assert message in problems_of({path: 1})[0]

    def test_an_invalid_text_is_told_as_it_stands(self):
        with pytest.raises(StrategyError, match="line 2"):
            with_overrides("name: a\nversion: 2\n", {"name": "b"})


class TestTradingOverrides:
    SETTINGS: tuple[dict[str, Any], ...] = (
        {},
        {"backtest.stops.stop_loss": 0.001, "decisions.thresholds.short": 0.3},
        {"backtest.costs.spread_rate": 0, "backtest.lot_step": 1},
        {"backtest.sizing.risk": 0.01, "backtest.stops.trailing_stop": 0.02},
    )

    @pytest.mark.parametrize("overrides", SETTINGS)
    def test_they_give_what_the_whole_parser_gives(self, overrides):
        _, expected = with_overrides(MOMENTUM, overrides)
        found = TradingOverrides(MOMENTUM).settings(overrides)
        assert (found.decisions, found.backtest) == (
            expected.decisions,
            expected.backtest,
        )

    @pytest.mark.parametrize(
        "overrides",
        [
            {"backtest.stops.stop_loss": 2.0},
            {"backtest.stops.stop_loss": None},
            {"decisions.threshold.long": 0.2},
            # Without effect, when there are no shorts.
            {"decisions.shorts": False, "decisions.exit_on": "neutral"},
        ],
    )
    def test_problems_are_the_parsers(self, overrides):
        with pytest.raises(StrategyError) as expected:
            with_overrides(MOMENTUM, overrides)
        with pytest.raises(StrategyError) as found:
            TradingOverrides(MOMENTUM).settings(overrides)
        assert found.value.problems == expected.value.problems

    def test_they_start_from_a_base_of_any_paths(self):
        base = {"training.epochs": 3, "backtest.initial_cash": 500.0}
        overrides = TradingOverrides(MOMENTUM, base=base)
        assert overrides.strategy.training.epochs == 3
        found = overrides.settings({"backtest.lot_step": 1.0})
        assert (found.backtest.initial_cash, found.backtest.lot_step) == (500, 1)
        with pytest.raises(StrategyError, match=r"training\.epochs"):
            TradingOverrides(MOMENTUM, base={"training.epochs": 0})

    @pytest.mark.parametrize(
        "path", ["training.epochs", "decisions.format", "backtests.lot_step", "name"]
    )
    def test_what_was_trained_can_not_be_replaced(self, path):
        assert not is_trading_path(path)
        with pytest.raises(InputError, match=path):
            TradingOverrides(MOMENTUM).settings({path: 1})
