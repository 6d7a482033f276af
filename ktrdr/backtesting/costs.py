"""What a fill costs: the price it gets, and the commission."""

from typing import TypeVar

import numpy as np

from ktrdr.errors import InputError
from ktrdr.strategy import CostsSpec
from ktrdr.typing import FloatArray

FloatOrArray = TypeVar("FloatOrArray", float, FloatArray)


def market_rate(costs: CostsSpec) -> float:
    """Return the fraction of the price that a market or stop fill loses.

    Half the spread plus the slippage.

    Raises
    ------
    InputError
        If it is 1 or more: a sale would then fetch nothing or less.
    """
    rate = costs.spread_rate / 2 + costs.slippage_rate
    if rate >= 1:
        raise InputError(
            f"half the spread_rate plus the slippage_rate is {rate:g}, expected less "
            "than 1: a sale would fetch nothing; both are fractions of the price"
        )
    return rate


def limit_rate(costs: CostsSpec) -> float:
    """Return the fraction of the price that a target (limit) fill loses.

    Half the spread; a limit order does not slip.
    """
    return costs.spread_rate / 2


def fill_price(price: FloatOrArray, side: FloatOrArray, rate: float) -> FloatOrArray:
    """Return what a fill at the quoted ``price`` really gets.

    Parameters
    ----------
    price : float or ndarray
        Quoted price, the middle between bid and ask.
    side : float or ndarray of the same shape
        1 for a purchase, -1 for a sale.
    rate : float
        ``market_rate`` or ``limit_rate``.

    Returns
    -------
    float or ndarray
        ``price * (1 + side * rate)``: dearer when buying, cheaper when selling.
    """
    return price * (1.0 + side * rate)


def commission(
    costs: CostsSpec, units: FloatArray | float, price: FloatArray | float
) -> FloatArray:
    """Return the commission of each fill, in money.

    ``max(commission_minimum, commission_rate * |units| * price +
    commission_per_unit * |units|)``, with ``price`` the fill price.
    """
    amount = np.abs(units)
    charge = costs.commission_rate * (amount * price)
    charge = charge + costs.commission_per_unit * amount
    return np.maximum(costs.commission_minimum, charge)
