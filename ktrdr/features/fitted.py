"""What is learned from the training bars before the network sees a feature."""

from pydantic import Field

from ktrdr.fuzzy import MembershipFunction
from ktrdr.schemas import Part


class Scaler(Part):
    """Mean and standard deviation of a raw feature over the training bars."""

    mean: float
    std: float = Field(gt=0)


class FittedFeatures(Part):
    """Membership functions and scalers fitted on the training bars.

    Attributes
    ----------
    partitions : dict
        Keyed ``{timeframe}_{fuzzy_set}``, then by membership; only of fuzzy sets
        that the strategy leaves to be fitted.
    scalers : dict
        Keyed by feature id; one for every raw feature.
    """

    partitions: dict[str, dict[str, MembershipFunction]] = Field(default_factory=dict)
    scalers: dict[str, Scaler] = Field(default_factory=dict)
