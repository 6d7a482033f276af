"""Fuzzy sets: membership functions, given in the strategy or fitted to bars."""

from ktrdr.fuzzy.fuzzy_set import RESERVED_NAMES, FuzzySet
from ktrdr.fuzzy.membership import PARAMETER_NAMES, MembershipFunction
from ktrdr.fuzzy.partition import fit_partition

__all__ = [
    "PARAMETER_NAMES",
    "RESERVED_NAMES",
    "FuzzySet",
    "MembershipFunction",
    "fit_partition",
]
