"""What TA-Lib's own description of its functions leaves out.

Bounds are TA-Lib's (0.8), narrowed where it takes values that make no sense; a
test asks TA-Lib itself whether it takes both ends of each.
"""

from collections.abc import Mapping

from ktrdr.indicators.indicator import Arguments

# Smallest period, where it is not 2.
_FROM_ONE = frozenset(
    {
        *("coppock", "eri", "fractal", "kdj", "macdfix", "minus_di", "minus_dm"),
        *("mom", "plus_di", "plus_dm", "qstick", "roc", "rocp", "rocr", "rocr100"),
        *("stoch", "stochf", "trix", "ultosc", "vortex", "dema", "ema", "hma", "kama"),
        *("ma", "rma", "sma", "t3", "tema", "trima", "vwma", "wma", "zlema", "beta"),
        *("correl", "var", "adr", "atr", "natr", "efi", "rvol"),
    }
)
_PERIODS_FROM_ONE = frozenset(
    {
        *(("macd", "signalperiod"), ("macdext", "signalperiod")),
        *(("stochrsi", "fastk_period"), ("stochrsi", "fastd_period")),
        *(("kc", "atrperiod"), ("mavp", "minperiod"), ("rvi", "timeperiod")),
        ("cvi", "rocperiod"),
    }
)

# Real parameters by name: TA-Lib would take anything up to 3e37 of most of them.
# A negative number of deviations swaps the bands, an acceleration above 1
# overshoots the price, a start value beyond 1e9 is no price.
_REAL_BOUNDS: Mapping[str, tuple[float, float]] = {
    "nbdev": (0.0, 100.0),
    "nbdevup": (0.0, 100.0),
    "nbdevdn": (0.0, 100.0),
    "multiplier": (0.0, 100.0),
    "fastlimit": (0.01, 0.99),
    "slowlimit": (0.01, 0.99),
    "vfactor": (0.0, 1.0),
    "percentile": (0.0, 100.0),
    "penetration": (0.0, 1.0),
    "acceleration": (0.0, 1.0),
    "maximum": (0.0, 1.0),
    "startvalue": (-1e9, 1e9),
    "offsetonreverse": (0.0, 1.0),
    "accelerationinitlong": (0.0, 1.0),
    "accelerationlong": (0.0, 1.0),
    "accelerationmaxlong": (0.0, 1.0),
    "accelerationinitshort": (0.0, 1.0),
    "accelerationshort": (0.0, 1.0),
    "accelerationmaxshort": (0.0, 1.0),
}

# For functions that a later release may add; TA-Lib refuses what it can't take.
_OF_LATER_RELEASES = (-1e9, 1e9)

# The output that is meant where a strategy names none, where it is not TA-Lib's
# first.
PRIMARY: Mapping[str, str] = {
    "accbands": "middleband",
    "aroon": "aroonup",
    "bbands": "middleband",
    "donchian": "middleband",
    "ha": "haclose",
    "kc": "middleband",
}

_TOTAL = "a running total from the first bar: its level depends on where the data begin"
_INDEX = "counts bars from the first one of the data"
_PATH = "follows a path: data that begin elsewhere agree from the first shared turn on"
NOTES: Mapping[str, str] = {
    **dict.fromkeys(("ad", "cumsum", "nvi", "obv", "pvi", "pvt", "wad"), _TOTAL),
    **dict.fromkeys(("maxindex", "minindex", "minmaxindex"), _INDEX),
    **dict.fromkeys(("sar", "sarext", "supertrend"), _PATH),
    "acos": "defined for values from -1 to 1 only, which prices seldom are",
    "asin": "defined for values from -1 to 1 only, which prices seldom are",
    "fractal": "a swing is marked `rightbars` bars late, when it is known",
    "kc": "around the exponential average of hlc3; `keltner` adds the choice of both "
    "and the price's place in the channel",
    "mavp": "the period of each bar is the dominant cycle of `source` (ht_dcperiod), "
    "kept between minperiod and maxperiod",
    "rvi": "the relative volatility index; the relative vigor index is "
    "`relative_vigor_index`",
    "rvol": "volume over the mean of the volumes before it; `volume_ratio` counts "
    "the bar itself",
    "vwap": "from the first bar of the data on; `anchored_vwap` starts anew each day, "
    "week or month, and `vwma` with `source: hlc3` is a rolling one",
    "vwma": "with `source: hlc3` the rolling volume weighted average price",
}
DEPENDS_ON_FIRST_BAR = frozenset(
    {
        *("ad", "cumsum", "nvi", "obv", "pvi", "pvt", "wad", "vwap"),
        *("maxindex", "minindex", "minmaxindex"),
    }
)

# Overflow above about 709; TA-Lib flags the other functions that can fail.
OVERFLOWING = frozenset({"exp", "sinh", "cosh"})

# Pairs of which the first must be the smaller one: equal periods make these zero.
_SMALLER: Mapping[str, tuple[str, str]] = dict.fromkeys(
    ("ac", "adosc", "ao", "apo", "macd", "macdext", "ppo", "pvo"),
    ("fastperiod", "slowperiod"),
)
_NOT_LARGER: Mapping[str, tuple[str, str]] = {
    "mama": ("slowlimit", "fastlimit"),
    "mavp": ("minperiod", "maxperiod"),
    "sar": ("acceleration", "maximum"),
}


def smallest_period(function: str, parameter: str) -> int:
    """Return the least value of a whole-number parameter."""
    if function in _FROM_ONE or (function, parameter) in _PERIODS_FROM_ONE:
        return 1
    return 2


def real_bounds(parameter: str) -> tuple[float, float]:
    """Return least and largest value of a real parameter."""
    return _REAL_BOUNDS.get(parameter, _OF_LATER_RELEASES)


def problems(function: str, arguments: Arguments) -> dict[str, str]:
    """Return what is wrong with arguments together, by parameter."""
    for pairs, relation in ((_SMALLER, "smaller than"), (_NOT_LARGER, "at most")):
        if function not in pairs:
            continue
        low, high = pairs[function]
        difference = float(arguments[high]) - float(arguments[low])
        if difference < 0 or (difference == 0 and pairs is _SMALLER):
            found = f"found {arguments[low]} with {high} {arguments[high]}"
            return {low: f"{found}, expected {low} to be {relation} {high}"}
    return {}
