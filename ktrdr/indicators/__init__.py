"""Indicators: what each one is, takes and gives, and its values on bars."""

from ktrdr.indicators.catalogue import catalogue, find_indicator, search_indicators
from ktrdr.indicators.compute import compute_indicator, warm_up
from ktrdr.indicators.documents import indicator_detail, indicator_summary
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
    "indicator_detail",
    "indicator_schema",
    "indicator_summary",
    "search_indicators",
    "settling",
    "warm_up",
]
