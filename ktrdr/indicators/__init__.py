"""Indicators: what each one is, takes and gives, and its values on bars."""

from ktrdr.indicators.catalogue import catalogue, find_indicator
from ktrdr.indicators.compute import compute_indicator, warm_up
from ktrdr.indicators.indicator import Indicator, Parameter
from ktrdr.indicators.schema import indicator_schema
from ktrdr.indicators.settling import settling
from ktrdr.indicators.use import IndicatorUse, UseProblem, check_use

__all__ = [
    "Indicator",
    "IndicatorUse",
    "Parameter",
    "UseProblem",
    "catalogue",
    "check_use",
    "compute_indicator",
    "find_indicator",
    "indicator_schema",
    "settling",
    "warm_up",
]
