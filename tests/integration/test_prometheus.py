"""A real Prometheus reads backend and worker by the files that we deploy."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ktrdr.database.embedded.ports import free_port
from tests.contracts.environments.composed import FOLDER as ENVIRONMENTS
from tests.integration.backend_process import running_backend
from tests.integration.worker_processes import System
from tests.observed import FOLDER, alert_rules, expressions
from tests.unit.workers.processes import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="needs prometheus on the path"
    ),
]
WITHIN_S = 30


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A Prometheus that runs, and the backend and worker that it is to read."""

    prometheus: str
    addresses: dict[str, str]

    def ask(self, path: str, **parameters: str) -> Any:
        url = f"{self.prometheus}/api/v1/{path}"
        answer = httpx.get(url, params=parameters, trust_env=False).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def series(self, expression: str) -> list[dict[str, str]]:
        """Return the labels of what an expression finds, as soon as it does."""
        found: list[dict[str, Any]] = []

        def has_found() -> bool:
            found[:] = self.ask("query", query=expression)["result"]
            return bool(found)

        assert wait_until(has_found, WITHIN_S), expression
        return [one["metric"] for one in found]

    def health(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return health and last error of each target, by job and address."""
        return {
            (one["labels"]["job"], one["labels"]["instance"]): (
                one["health"],
                one["lastError"],
            )
            for one in self.ask("targets", state="active")["activeTargets"]
        }


def make_token(database_url: str) -> str:
    command = ("ktrdr", "auth", "create", "prometheus", "--role", "viewer")
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "KTRDR_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def configure(folder: Path, addresses: dict[str, str], token: Path) -> None:
    """Write our configuration with other addresses, and a pace for tests."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in config["scrape_configs"]:
        job["authorization"]["credentials_file"] = str(token)
    backend, workers = config["scrape_configs"]
    backend["static_configs"] = [{"targets": [addresses["backend"]]}]
    # There are no services with names here, only workers elsewhere.
    del workers["dns_sd_configs"]
    workers["file_sd_configs"] = [{"files": [str(folder / "workers" / "*.json")]}]
    (folder / "workers").mkdir()
    named = json.dumps([{"targets": [addresses["workers"]]}])
    (folder / "workers" / "here.json").write_text(named)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(FOLDER / "alerts.yml", folder)


@contextmanager
def running_prometheus(folder: Path) -> Iterator[str]:
    """Run it as its service does, on a port of loopback."""
    services = yaml.safe_load((ENVIRONMENTS / "observability.yml").read_text("utf-8"))
    options = " ".join(services["services"]["prometheus"]["command"])
    options = options.replace("/etc/prometheus", str(folder))
    options = options.replace("=/prometheus", f"={folder / 'series'}")
    address = f"127.0.0.1:{free_port(None)}"
    command = ["prometheus", *options.split(), f"--web.listen-address={address}"]
    log = folder / "prometheus.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=folder)
    try:
        assert wait_until(lambda: is_ready(address), WITHIN_S), log.read_text()
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/-/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def watched(postgres_server, tmp_path_factory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        postgres_server.database() as url,
        read_system(url, folder) as addresses,
        running_prometheus(folder) as prometheus,
    ):
        yield Watched(prometheus=prometheus, addresses=addresses)


@contextmanager
def read_system(url: str, folder: Path) -> Iterator[dict[str, str]]:
    """Run a backend and a worker that ask for a token, named in a configuration."""
    token = folder / "metrics-token"
    token.write_text(make_token(url))
    # Even on its own machine a backend behind a proxy answers nobody without a token.
    asks = {"KTRDR_TRUSTED_PROXIES": "127.0.0.9"}
    system = System(url, folder)
    try:
        # Both at once, which saves seconds.
        told = {"KTRDR_METRICS_TOKEN_FILE": str(token)}
        system.start("trains", "training", ready=False, **told)
        with running_backend(folder, url, **asks) as backend:
            backend.wait_ready()
            assert wait_until(lambda: system.row("trains").get("port"), WITHIN_S)
            addresses = {
                "backend": backend.url.removeprefix("http://"),
                "workers": f"127.0.0.1:{system.row('trains')['port']}",
            }
            configure(folder, addresses, token)
            yield addresses
    finally:
        system.close()


def test_backend_and_worker_are_read_with_the_token(watched: Watched):
    backend = f"http://{watched.addresses['backend']}/metrics"
    assert httpx.get(backend, trust_env=False).status_code == 401
    up = {(job, address): ("up", "") for job, address in watched.addresses.items()}
    assert wait_until(lambda: watched.health() == up, WITHIN_S), watched.health()


def test_series_of_each_job_are_there(watched: Watched):
    watched.series('ktrdr_workers{job="backend", kind="training", state="ready"} == 1')
    (worker,) = watched.series('ktrdr_worker_info{job="workers"}')
    assert (worker["name"], worker["kind"]) == ("trains", "training")
    assert worker["instance"] == watched.addresses["workers"]
    watched.series("count(count by (job) (ktrdr_build_info)) == 2")


def test_all_alerts_are_loaded_and_evaluated(watched: Watched):
    def rules() -> list[dict[str, Any]]:
        groups = watched.ask("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    assert [one["name"] for one in rules()] == [one["alert"] for one in alert_rules()]
    # "unknown" until its turn has come.
    assert wait_until(
        lambda: all(one["health"] != "unknown" for one in rules()), WITHIN_S
    )
    found = {one["name"]: one.get("lastError", "") for one in rules()}
    assert set(found.values()) == {""}, found


def test_what_alerts_and_dashboards_ask_can_be_answered(watched: Watched):
    for place, expression in expressions():
        assert watched.ask("query", query=expression)["resultType"] == "vector", place
