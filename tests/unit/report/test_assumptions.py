import pytest

from ktrdr.report.assumptions import assumptions_of, replaced_settings
from ktrdr.schemas import ParameterValue
from ktrdr.strategy import (
    BacktestSpec,
    CostsSpec,
    FractionSizing,
    RiskSizing,
    StopsSpec,
    UnitsSizing,
    VolatilitySizing,
)


def said(**spec):
    return [
        sentence.replace("\u202f", " ")
        for sentence in assumptions_of(BacktestSpec(**spec))
    ]


def test_everything_free_and_without_stops():
    assert said() == [
        "Decided at each bar's close, filled at the next bar's open.",
        "Costs of each fill: none.",
        "Position size: 100 % of equity.",
        "Stops: none.",
    ]


def test_all_costs_and_stops_are_named():
    costs = CostsSpec(
        commission_rate=0.001,
        commission_per_unit=0.005,
        commission_minimum=1.5,
        spread_rate=0.0001,
        slippage_rate=0.00005,
    )
    stops = StopsSpec(stop_loss=0.005, take_profit=0.01, trailing_stop=0.02)
    found = said(costs=costs, stops=stops, lot_step=1000.0)
    assert found[1] == (
        "Costs of each fill: 0.1 % commission, 0.005 commission per unit, at least 1.5 "
        "commission, half of 0.01 % spread, 0.005 % slippage, except at targets."
    )
    assert found[2] == (
        "Position size: 100 % of equity, rounded down to a multiple of 1 000."
    )
    assert found[3] == (
        "Stops: stop loss 0.5 %, take profit 1 %, trailing stop 2 % from the entry "
        "price."
    )
    assert found[4].startswith("A gap through a stop or target fills at the bar's open")


@pytest.mark.parametrize(
    ("sizing", "words"),
    [
        (FractionSizing(type="fraction", fraction=0.5), "50 % of equity"),
        (UnitsSizing(type="units", units=1.0), "1 unit"),
        (UnitsSizing(type="units", units=0.25), "0.25 units"),
        (
            RiskSizing(type="risk", risk=0.005, max_fraction=2.0),
            "such that the stop loss costs 0.5 % of equity, at most 200 % of equity",
        ),
        (
            VolatilitySizing(type="volatility_target", target=0.1, lookback=50),
            "for 10 % annual volatility, judged by the last 50 returns, at most 100 % "
            "of equity",
        ),
    ],
)
def test_position_sizes_in_words(sizing, words):
    found = said(sizing=sizing, stops=StopsSpec(stop_loss=0.01))
    assert found[2] == f"Position size: {words}."


def test_replaced_settings_are_told():
    assert replaced_settings({}) == []
    overrides: dict[str, ParameterValue] = {
        "backtest.stops.stop_loss": 0.002,
        "backtest.stops.take_profit": None,
        "decisions.shorts": False,
        "decisions.min_signal_separation": 6,
    }
    assert replaced_settings(overrides) == [
        "Settings replaced for this backtest: backtest.stops.stop_loss = 0.002, "
        "backtest.stops.take_profit = none, decisions.shorts = false, "
        "decisions.min_signal_separation = 6."
    ]
