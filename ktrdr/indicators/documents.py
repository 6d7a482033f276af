"""What indicators state about themselves, for HTTP and ``--json``."""

from ktrdr.indicators.compute import warm_up
from ktrdr.indicators.indicator import Indicator, Parameter
from ktrdr.indicators.settling import settling
from ktrdr.indicators.use import IndicatorUse
from ktrdr.schemas import (
    ChoiceParameter,
    IndicatorDetail,
    IndicatorSummary,
    NumberParameter,
)


def indicator_summary(indicator: Indicator) -> IndicatorSummary:
    """Return one line about ``indicator``."""
    return IndicatorSummary(
        name=indicator.name,
        title=indicator.title,
        group=indicator.group,
        origin=indicator.origin,
        outputs=indicator.outputs,
    )


def indicator_detail(indicator: Indicator) -> IndicatorDetail:
    """Return what ``indicator`` takes and gives, and when it is known."""
    use = IndicatorUse(type=indicator.name)
    return IndicatorDetail(
        **dict(indicator_summary(indicator)),
        inputs=indicator.inputs,
        parameters=tuple(map(_parameter, indicator.parameters)),
        warm_up=warm_up(use),
        settling=settling(use),
        depends_on_first_bar=indicator.depends_on_first_bar,
        may_be_undefined=indicator.may_be_undefined,
        note=indicator.note,
    )


def _parameter(parameter: Parameter) -> ChoiceParameter | NumberParameter:
    if parameter.kind == "choice":
        return ChoiceParameter(
            name=parameter.name,
            kind=parameter.kind,
            default=str(parameter.default),
            choices=parameter.choices,
        )
    # Not through float(): a whole number stays one.
    return NumberParameter.model_validate(
        {
            "name": parameter.name,
            "kind": parameter.kind,
            "default": parameter.default,
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
        }
    )
