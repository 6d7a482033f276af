"""The backend as a server: a real socket, signals, connections that break."""

import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from ktrdr.cli.main import app as command
from ktrdr.settings import settings
from tests.integration.backend_process import running_backend
from tests.unit.backtesting.stored_models import filled_store
from tests.unit.features.strategies import two_timeframes_text

pytestmark = pytest.mark.slow

API = "/api/v1"


@pytest.fixture
def backend(tmp_path, database_url):
    filled_store(tmp_path / "store")
    with running_backend(tmp_path, database_url) as backend:
        backend.wait_ready()
        yield backend


@pytest.fixture
def client(backend):
    with httpx.Client(base_url=backend.url, timeout=20) as client:
        yield client


def make_probe(client) -> str:
    made = client.post(f"{API}/probes", json={"n": 1})
    assert made.status_code == 201
    return str(made.json()["items"][0]["id"])


def first_event(client, operation, **headers) -> tuple[str, str, dict[str, Any]]:
    """Read one event, then let the connection break."""
    found: dict[str, str] = {}
    path = f"{API}/operations/{operation}/events"
    with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            if not line and "event" in found:
                break
            name, _, value = line.partition(": ")
            found[name] = value
    return found["event"], found.get("id", ""), json.loads(found["data"])


def test_a_follower_goes_on_after_a_broken_connection(client):
    operation = make_probe(client)
    kind, first, data = first_event(client, operation)
    assert (kind, data["data"]["state"]) == ("event", "pending")
    client.post(f"{API}/operations/{operation}/cancel")
    kind, second, data = first_event(client, operation, **{"Last-Event-ID": first})
    assert (kind, data["data"]["state"]) == ("event", "cancelled")
    assert int(second) > int(first)
    kind, _, data = first_event(client, operation, **{"Last-Event-ID": second})
    assert (kind, data["state"]) == ("operation", "cancelled")


def test_a_follower_hears_at_once(backend, client):
    operation = make_probe(client)
    path = f"{API}/operations/{operation}/events"
    with client.stream("GET", path) as response:
        lines = response.iter_lines()
        while "operation" not in next(lines):
            pass
        began_s = time.monotonic()
        asking = threading.Thread(
            target=httpx.post,
            args=(f"{backend.url}{API}/operations/{operation}/cancel",),
        )
        asking.start()
        assert any("cancelled" in line for line in lines)
        assert time.monotonic() - began_s < 5
        asking.join()


def test_a_stop_ends_followers_and_is_no_failure(backend, client):
    operation = make_probe(client)
    path = f"{API}/operations/{operation}/events"
    with client.stream("GET", path) as response:
        lines = response.iter_lines()
        next(lines)
        began_s = time.monotonic()
        assert backend.stop() == 0
        assert time.monotonic() - began_s < 5
        list(lines)
    assert "Traceback" not in backend.log


def test_a_taken_port_is_told(backend, tmp_path, database_url):
    port = backend.url.rpartition(":")[2]
    (tmp_path / "second").mkdir()
    with (
        pytest.raises(AssertionError, match=f"port {port} of 127.0.0.1"),
        running_backend(tmp_path / "second", database_url, "--port", port),
    ):
        pass


def test_it_does_not_start_open_to_others(tmp_path, database_url, monkeypatch):
    with (
        pytest.raises(AssertionError, match="there is no token"),
        running_backend(tmp_path, database_url, "--host", "0.0.0.0"),
    ):
        pass
    monkeypatch.setenv("KTRDR_DATABASE_URL", database_url)
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    settings.cache_clear()
    made = CliRunner().invoke(command, ["auth", "create", "ci", "--json"])
    settings.cache_clear()
    assert made.exit_code == 0, made.output
    token = json.loads(made.stdout)["token"]
    with running_backend(tmp_path, database_url, "--host", "0.0.0.0") as backend:
        url = backend.url.replace("0.0.0.0", "127.0.0.1")
        backend.url = url
        backend.wait_ready()
        bearer = {"Authorization": f"Bearer {token}"}
        # Who is at this machine is nobody special there.
        assert httpx.get(f"{url}{API}/session").status_code == 401
        assert httpx.get(f"{url}{API}/session", headers=bearer).status_code == 200


def test_large_headers_are_refused(client):
    response = client.get(f"{API}/health/live", headers={"X-Long": "a" * 100_000})
    assert response.status_code == 431


def test_answering_loads_no_machine_learning(tmp_path, database_url):
    code = """
import asyncio, sys
import httpx
from ktrdr.api.main import create_app
from ktrdr.settings import settings

async def ask():
    app = create_app()
    async with app.router.lifespan_context(app):
        while not app.state.backend.is_connected:
            await asyncio.sleep(0.02)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", timeout=60
        ) as client:
            text = sys.stdin.read()
            for method, path, body in (
                ("POST", "trainings", {"strategy": text}),
                ("POST", "backtests", {"model": "two_timeframes"}),
                ("POST", "sweeps", {"model": "two_timeframes", "part": "all",
                    "parameters": [{"path": "backtest.stops.stop_loss",
                    "values": [0.01, 0.02]}]}),
                ("POST", "walk-forwards", {"strategy": text, "n_windows": 2}),
                ("POST", "probes", {}),
                ("POST", "strategies/validate", {"text": text}),
                ("POST", "models/two_timeframes/predict", {}),
                *(("GET", path, None) for path in (
                    "health/ready", "build", "workers", "operations", "data",
                    "data/TEST/bars?timeframe=1h", "data/TEST/quality?timeframe=1h",
                    "indicators", "strategies", "models", "models/two_timeframes",
                    "results", "openapi.json", "session", "tokens")),
            ):
                response = await client.request(method, f"/api/v1/{path}", json=body)
                print(method, path, response.status_code, file=sys.stderr)
                assert response.status_code < 300 or "walk" in path, response.text

asyncio.run(ask())
print(sorted({"torch", "sklearn", "tensorflow", "jax"} & set(sys.modules)))
"""
    filled_store(tmp_path / "store")
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=two_timeframes_text(),
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "KTRDR_HOME": str(tmp_path),
            "KTRDR_DATABASE_URL": database_url,
        },
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
