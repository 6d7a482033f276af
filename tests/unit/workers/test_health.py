"""Health and metrics, over a real socket."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ktrdr.errors import InputError
from ktrdr.schemas import OperationDocument
from ktrdr.workers.health import free_socket, health_app, read_token, served
from ktrdr.workers.metrics import WorkerMetrics

pytestmark = pytest.mark.anyio


@pytest.fixture
def metrics():
    return WorkerMetrics({"name": "worker-1"}, {"version": "1.2.3"})


async def answers(metrics, problems) -> dict[str, httpx.Response]:
    listening = free_socket("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with (
        served(health_app(metrics, lambda: problems), listening),
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        paths = ("/health/live", "/health/ready", "/metrics")
        return {path: await client.get(path) for path in paths}


async def test_a_worker_that_takes_work_is_ready(metrics):
    found = await answers(metrics, [])
    assert found["/health/live"].status_code == 200
    assert found["/health/ready"].json() == {"status": "ready"}


async def test_a_worker_that_takes_none_tells_why_and_is_alive(metrics):
    found = await answers(metrics, ["the worker is draining"])
    assert found["/health/live"].status_code == 200
    assert found["/health/ready"].status_code == 503
    assert found["/health/ready"].json()["reasons"] == ["the worker is draining"]


async def test_figures_are_told_by_kind_and_outcome(metrics):
    for outcome in ("completed", "completed", "failed"):
        metrics.job_began()
        metrics.job_ended("training", outcome, 12.0)
    metrics.job_began()
    answer = (await answers(metrics, []))["/metrics"]
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    for line in (
        'ktrdr_worker_jobs_total{kind="training",outcome="completed"} 2.0',
        'ktrdr_worker_jobs_total{kind="training",outcome="failed"} 1.0',
        "ktrdr_worker_jobs_running 1.0",
        'ktrdr_worker_job_seconds_bucket{kind="training",le="15.0"} 3.0',
        'ktrdr_worker_info{name="worker-1"} 1.0',
        'ktrdr_build_info{version="1.2.3"} 1.0',
    ):
        assert line in lines
    age = next(line for line in lines if line.startswith("ktrdr_worker_heartbeat_age"))
    assert 0 <= float(age.split()[1]) < 5


async def test_the_first_free_port_is_taken():
    first = free_socket("127.0.0.1", 0)
    port = first.getsockname()[1]
    second = free_socket("127.0.0.1", port)
    assert port < second.getsockname()[1] < port + 100
    first.close()
    second.close()


async def test_an_address_of_another_machine_is_refused():
    with pytest.raises(InputError, match=r"can't listen on 192\.0\.2\.1"):
        free_socket("192.0.2.1", 5002)


async def test_metrics_ask_those_on_other_machines_for_the_token(metrics):
    app = health_app(metrics, list, "secret")
    for shown, client, status in (
        (None, "127.0.0.1", 200),
        (None, "192.0.2.1", 401),
        ("Bearer wrong", "192.0.2.1", 401),
        ("Basic secret", "192.0.2.1", 401),
        ("Bearer secret", "192.0.2.1", 200),
    ):
        answer = await asked(app, "/metrics", client, shown)
        assert answer.status_code == status
    assert (await asked(app, "/health/ready", "192.0.2.1")).status_code == 200


async def test_without_a_token_metrics_are_for_this_machine_alone(metrics):
    app = health_app(metrics, list)
    for shown in (None, "Bearer ", "Bearer None"):
        answer = await asked(app, "/metrics", "192.0.2.1", shown)
        assert answer.status_code == 401
        assert "KTRDR_METRICS_TOKEN_FILE" in answer.text


async def asked(app, path, client, shown=None) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(client, 1))
    headers = {} if shown is None else {"Authorization": shown}
    async with httpx.AsyncClient(transport=transport, base_url="http://w") as asking:
        return await asking.get(path, headers=headers)


def operation(**changes) -> OperationDocument:
    fields = {
        "id": "op1",
        "kind": "training",
        "title": "t",
        "queue": "training-cpu",
        "priority": 0,
        "state": "running",
        "request": {},
        "attempt": 1,
        "failures": 0,
        "max_failures": 5,
        "created_by": "me",
        "created_at": datetime.now(UTC) - timedelta(seconds=30),
    }
    return OperationDocument.model_validate(fields | changes)


def test_waiting_is_measured_once_an_operation_and_not_of_parents(metrics):
    metrics.attempt_claimed(operation())
    metrics.attempt_claimed(operation(attempt=2))
    metrics.attempt_claimed(operation(n_children=3))
    ahead = datetime.now(UTC) + timedelta(hours=1)
    metrics.attempt_claimed(operation(kind="backtest", created_at=ahead))
    lines = metrics.text().decode().splitlines()
    assert 'ktrdr_worker_wait_seconds_count{kind="training"} 1.0' in lines
    assert 'ktrdr_worker_wait_seconds_bucket{kind="training",le="15.0"} 0.0' in lines
    assert 'ktrdr_worker_wait_seconds_sum{kind="backtest"} 0.0' in lines


def test_bars_and_samples_are_counted_by_kind(metrics):
    metrics.work_done("training", "samples", 500)
    metrics.work_done("training", "samples", 250)
    metrics.work_done("trials", "bars", 60)
    lines = metrics.text().decode().splitlines()
    assert 'ktrdr_worker_samples_total{kind="training"} 750.0' in lines
    assert 'ktrdr_worker_bars_total{kind="trials"} 60.0' in lines


def test_a_token_is_read_from_its_file(tmp_path):
    file = tmp_path / "token"
    assert read_token(None) is None
    with pytest.raises(InputError, match="can't be read"):
        read_token(file)
    file.write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        read_token(file)
    file.write_text("secret\n")
    assert read_token(file) == "secret"
