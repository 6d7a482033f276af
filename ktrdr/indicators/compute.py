"""Values of an indicator on bars, and how long they take to be known."""

from ktrdr.data import Bars
from ktrdr.indicators.use import IndicatorUse, resolve
from ktrdr.typing import FloatArray


def compute_indicator(use: IndicatorUse, bars: Bars) -> dict[str, FloatArray]:
    """Return every output of ``use`` on ``bars``, the primary one first.

    Parameters
    ----------
    use : IndicatorUse
        Type and parameters.
    bars : Bars

    Returns
    -------
    dict of str to ndarray of float64, shape (n_bars,)
        NaN in the first ``warm_up(use)`` bars, all of them if there are fewer.
        Later values are NaN only where the indicator says that it may be
        undefined; never infinite.

    Raises
    ------
    NotFoundError, InputError
        If there is no such indicator or its parameters are wrong.

    Notes
    -----
    The value of bar i depends on bars 0 to i and on no later one: computing on
    the first k bars gives the first k values.
    """
    indicator, arguments = resolve(use)
    outputs = indicator.compute(bars, arguments)
    return dict(zip(indicator.outputs, outputs, strict=True))


def warm_up(use: IndicatorUse) -> int:
    """Return the number of leading bars on which ``use`` has no value.

    Exact, and the same for all its outputs. A recursive indicator goes on
    depending on where the data begin for longer: see ``settling``.

    Raises
    ------
    NotFoundError, InputError
        If there is no such indicator or its parameters are wrong.
    """
    indicator, arguments = resolve(use)
    return indicator.warm_up(arguments)
