"""Prometheus, its alerts and Grafana's dashboards are configured as they read it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import httpx
import promql_parser
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.contracts.environments.composed import FOLDER as ENVIRONMENTS
from tests.observed import (
    DASHBOARDS,
    FOLDER,
    OF_PROMETHEUS,
    alert_rules,
    asked_by,
    expressions,
    panels,
)

SOURCES = FOLDER / "grafana" / "provisioning" / "datasources" / "ktrdr.yml"
COLUMNS = 24


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Annotations(Form):
    summary: str
    action: str


class Labels(Form):
    severity: Literal["critical", "warning", "info"]


class Rule(Form):
    alert: str
    expr: str
    lasting: str | None = Field(None, alias="for")
    labels: Labels
    annotations: Annotations


def test_every_expression_is_promql():
    found = list(expressions())
    assert len(found) > 30
    for place, expression in found:
        assert asked_by(expression).metrics, place


def test_what_is_no_promql_is_refused():
    with pytest.raises(ValueError, match="rate"):
        promql_parser.parse("rate(ktrdr_operations)")


def test_an_expression_tells_what_it_asks_for():
    asked = asked_by('sum by (kind) (a{state=~"x|y"}) / on (job) group_left (name) b')
    assert asked.metrics == {"a", "b"}
    assert asked.labels == {"kind", "state", "job", "name"}
    assert asked.values == {("state", "x"), ("state", "y")}


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["alert"])
def test_an_alert_tells_what_is_wrong_and_what_to_do(rule: dict[str, Any]):
    told = Rule.model_validate(rule)
    if told.lasting is not None:
        promql_parser.parse_duration(told.lasting)
    texts = f"{told.annotations.summary} {told.annotations.action}"
    named = set(re.findall(r"\{\{ \$labels\.(\w+) \}\}", texts))
    assert texts.count("{{") == len(re.findall(r"\{\{ \$labels\.\w+ \}\}", texts))
    # Those of an aggregation are what it groups by; `instance` is on all else.
    assert named <= asked_by(told.expr).labels | OF_PROMETHEUS | {"queue"}


def test_alerts_have_names_of_their_own():
    names = [rule["alert"] for rule in alert_rules()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_room_and_a_source_that_there_is(path):
    sources = yaml.safe_load(SOURCES.read_text("utf-8"))["datasources"]
    uids = {source["uid"]: source["type"] for source in sources}
    taken: set[tuple[int, int]] = set()
    for panel in panels(path):
        assert panel["description"].endswith(".")
        for source in (panel, *panel["targets"]):
            assert uids[source["datasource"]["uid"]] == source["datasource"]["type"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in panels(path)]
    assert len(ids) == len(set(ids))


def test_prometheus_reads_the_backend_and_all_workers():
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    assert [(FOLDER / name).exists() for name in config["rule_files"]] == [True]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    used = {value for _, one in expressions() for value in asked_by(one).values}
    assert {value for name, value in used if name == "job"} == set(jobs)
    for job in jobs.values():
        # None of them tells its figures to who shows nothing.
        assert job["authorization"]["credentials_file"].startswith("/run/secrets/")


def test_prometheus_asks_the_services_that_there_are():
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    (backend,) = jobs["backend"]["static_configs"]
    (workers,) = jobs["workers"]["dns_sd_configs"]
    services = {
        name
        for place in ("local", "homelab")
        for path in (ENVIRONMENTS / place).glob("*.yml")
        for name in yaml.safe_load(path.read_text("utf-8"))["services"]
    }
    assert backend["targets"] == ["backend:8000"]
    assert "backend" in services
    assert workers["port"] == 5002
    there = {name for name in services if re.search(r"-worker-(\d|gpu)$", name)}
    assert set(workers["names"]) == there


def test_grafana_finds_its_dashboards_and_what_they_ask():
    path = ENVIRONMENTS / "observability.yml"
    services = yaml.safe_load(path.read_text("utf-8"))["services"]
    mounts = dict(one.split(":")[:2] for one in services["grafana"]["volumes"])
    inside = {target: (path.parent / source) for source, target in mounts.items()}
    provisioning = inside["/etc/grafana/provisioning"]
    (provider,) = yaml.safe_load(
        (provisioning / "dashboards" / "ktrdr.yml").read_text("utf-8")
    )["providers"]
    assert provider["type"] == "file"
    dashboards = inside[provider["options"]["path"]]
    assert set(dashboards.resolve().glob("*.json")) == set(DASHBOARDS)
    for source in yaml.safe_load(SOURCES.read_text("utf-8"))["datasources"]:
        assert httpx.URL(source["url"]).host in services


def test_prometheus_is_given_all_that_it_reads():
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    read = {f"/etc/prometheus/{name}" for name in config["rule_files"]}
    for job in config["scrape_configs"]:
        for files in job.get("file_sd_configs", ()):
            read |= {path.rpartition("/")[0] for path in files["files"]}
    services = yaml.safe_load((ENVIRONMENTS / "observability.yml").read_text("utf-8"))
    mounts = services["services"]["prometheus"]["volumes"]
    assert read <= {mount.split(":")[1] for mount in mounts}


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool on the path"
)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("test", "rules", str(Path(__file__).with_name("alerts.test.yml"))),
    ],
    ids=["rules", "config", "alerts"],
)
def test_promtool_has_nothing_to_say(arguments):
    command = ["promtool", *arguments]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
