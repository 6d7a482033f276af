"""What the files in ``deploy/observability`` ask for, read by a parser of PromQL."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

FOLDER = Path(__file__).parents[1] / "deploy" / "observability"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
# Labels that Prometheus adds to whatever it reads.
OF_PROMETHEUS = frozenset({"job", "instance"})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an expression asks Prometheus for.

    Attributes
    ----------
    metrics : frozenset of str
        Names of all metrics.
    labels : frozenset of str
        Labels that it matches or groups by.
    values : frozenset of (str, str)
        Labels with what they are matched with, the words of a pattern one by one.
    """

    metrics: frozenset[str]
    labels: frozenset[str]
    values: frozenset[tuple[str, str]]


def alert_rules() -> list[dict[str, Any]]:
    """Return all rules that alert."""
    document = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels(path: Path) -> list[dict[str, Any]]:
    """Return the panels of a dashboard."""
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Yield each expression of alerts and dashboards, after the name of its place."""
    for rule in alert_rules():
        yield rule["alert"], rule["expr"]
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel["targets"]:
                # Grafana's own word for a range that holds some scrapes.
                expression = target["expr"].replace("$__rate_interval", "1m")
                yield f"{path.stem}: {panel['title']}", expression


def asked_by(expression: str) -> Asked:
    """Return what an expression asks for; fail if it is not PromQL."""
    seen: list[promql.Expr] = []
    promql.walk(promql.parse(expression), partial(_keep, seen))
    selectors = [one for one in seen if isinstance(one, promql.VectorSelector)]
    matchers = [one for selector in selectors for one in selector.matchers.matchers]
    return Asked(
        metrics=frozenset(one.name for one in selectors if one.name),
        labels=frozenset({one.name for one in matchers} | set(_grouped(seen))),
        values=frozenset(
            (one.name, value)
            for one in matchers
            if re.fullmatch(r"[\w|]+", one.value)
            for value in one.value.split("|")
        ),
    )


def _keep(seen: list[promql.Expr], one: promql.Expr) -> bool:
    seen.append(one)
    return True


def _grouped(seen: list[promql.Expr]) -> Iterator[str]:
    for one in seen:
        if isinstance(one, promql.AggregateExpr) and one.modifier:
            yield from one.modifier.labels
        elif isinstance(one, promql.BinaryExpr) and one.modifier:
            yield from one.modifier.group_labels or ()
            if one.modifier.matching:
                yield from one.modifier.matching.labels
