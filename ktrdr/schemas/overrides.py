"""Values that replace those of a strategy, by path."""

ParameterScalar = bool | int | float | str | None
ParameterValue = ParameterScalar | tuple[bool | int | float | str, ...]
# Path in the strategy, such as backtest.stops.stop_loss, to value.
Overrides = dict[str, ParameterValue]
