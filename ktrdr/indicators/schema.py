"""JSON Schema of an indicator in a strategy file, for editors."""

from ktrdr.indicators.catalogue import catalogue
from ktrdr.indicators.indicator import Parameter


def indicator_schema() -> dict[str, object]:
    """Return the schema of ``{type: ..., parameter: value, ...}``.

    It offers every type and every parameter of any type, with the widest bounds
    of all; which parameter belongs to which type, ``check_use`` tells. A branch
    for each type would make the schema ten times as long.
    """
    by_name: dict[str, list[Parameter]] = {}
    for indicator in catalogue().values():
        for parameter in indicator.parameters:
            by_name.setdefault(parameter.name, []).append(parameter)
    titles = {name: indicator.title for name, indicator in catalogue().items()}
    return {
        "title": "Indicator",
        "description": "One indicator with its parameters; `ktrdr indicators show "
        "NAME` explains each.",
        "type": "object",
        "required": ["type"],
        "additionalProperties": False,
        "properties": {
            "type": {
                "enum": list(titles),
                "enumDescriptions": list(titles.values()),
                "description": "Name of the indicator.",
            },
            **{name: _schema(found) for name, found in sorted(by_name.items())},
        },
    }


def _schema(parameters: list[Parameter]) -> dict[str, object]:
    if parameters[0].kind == "choice":
        choices = [choice for parameter in parameters for choice in parameter.choices]
        return {"enum": list(dict.fromkeys(choices))}
    whole = all(parameter.kind == "int" for parameter in parameters)
    return {
        "type": "integer" if whole else "number",
        "minimum": min(parameter.minimum for parameter in parameters),
        "maximum": max(parameter.maximum for parameter in parameters),
    }
