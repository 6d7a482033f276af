"""Health, builds, workers, metrics, and the API's description."""

import asyncio
import threading

import pytest
from pydantic import TypeAdapter

import ktrdr.schemas
from ktrdr.api.examples import EXAMPLES, PROBLEMS
from ktrdr.api.main import create_app
from ktrdr.api.services import health_service
from ktrdr.api.services.health_service import Health
from ktrdr.build_info import build_info
from ktrdr.database import Database, upgrade
from ktrdr.operations import NewOperation, NewWorker, WorkerRegistry
from ktrdr.schemas import ProblemDocument
from ktrdr.settings import Settings
from ktrdr.strategy import parse_strategy
from tests.unit.api.conftest import ELSEWHERE, client_of, connected

pytestmark = pytest.mark.anyio

READY = "/api/v1/health/ready"


def parts_of(response):
    return {part["name"]: part["reason"] for part in response.json()["parts"]}


async def test_ready_when_all_is_there(client):
    response = await client.get(READY)
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert (await client.get("/api/v1/health/live")).json() == {"status": "ok"}


async def test_what_is_missing_is_told_to_who_is_known(tmp_path):
    url = "postgresql://nobody:hunter2@127.0.0.1:1/none"
    app = create_app(Settings(home=tmp_path, database_url=url))
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(20), client_of(app) as client:
            while "127.0.0.1:1" not in (await client.get(READY)).text:
                await asyncio.sleep(0.05)
            response = await client.get(READY)
            assert response.status_code == 503
            assert parts_of(response)["store"] is None
            assert "hunter2" not in response.text
            assert (await client.get("/api/v1/health/live")).status_code == 200
            listed = await client.get("/api/v1/operations")
            assert listed.json()["code"] == "database_failed"
            assert listed.status_code == 503
        async with client_of(app, address=ELSEWHERE) as stranger:
            response = await stranger.get(READY)
            assert response.status_code == 503
            assert set(parts_of(response).values()) == {None}


async def test_it_serves_as_soon_as_the_database_can_be_used(postgres_server, tmp_path):
    with postgres_server.database(template="template1") as url:
        app = create_app(Settings(home=tmp_path, database_url=url))
        async with app.router.lifespan_context(app), client_of(app) as client:
            async with asyncio.timeout(20):
                while "ktrdr db upgrade" not in (await client.get(READY)).text:
                    await asyncio.sleep(0.05)
            async with Database(url) as database:
                await upgrade(database)
            await connected(app)
            assert (await client.get(READY)).status_code == 200
            assert (await client.get("/api/v1/operations")).status_code == 200


async def test_a_store_that_cannot_be_used_is_told(database_url, tmp_path):
    (tmp_path / "store").write_text("not a folder")
    app = create_app(Settings(home=tmp_path, database_url=database_url))
    async with app.router.lifespan_context(app), client_of(app) as client:
        await connected(app)
        response = await client.get(READY)
        assert response.status_code == 503
        assert parts_of(response)["store"]
        assert parts_of(response)["database"] is None
        response = await client.get("/api/v1/models")
        assert (response.status_code, response.json()["code"]) == (
            503,
            "storage_failed",
        )


async def test_one_thread_waits_for_a_store_that_keeps_silent(
    running, client, monkeypatch
):
    asked, silence = [], threading.Event()

    def keep_silent(health):
        asked.append(health)
        silence.wait(10)

    monkeypatch.setattr(Health, "_list_store", keep_silent)
    monkeypatch.setattr(health_service, "_WITHIN_S", 0.1)
    running.state.health = Health(running.state.backend)
    try:
        for _ in range(3):
            response = await client.get(READY)
            assert "did not answer" in parts_of(response)["store"]
        assert len(asked) == 1
    finally:
        silence.set()
    async with asyncio.timeout(5):
        while parts_of(await client.get(READY))["store"] is not None:
            await asyncio.sleep(0.02)


async def test_workers_and_builds_are_told(client, database):
    registry = WorkerRegistry(database)
    announced = await registry.backend_build()
    assert announced is not None
    assert announced["version"] == build_info().version
    await registry.register(
        NewWorker(
            name="w1",
            kind="training",
            device="cuda",
            queues=("training-gpu", "training-cpu"),
            concurrency=1,
            host="here",
            pid=1,
            port=5002,
            build={
                "version": "0.0.9",
                "commit": "abc",
                "image": "worker-gpu",
                "lock": "e3b0",
            },
        )
    )
    (worker,) = (await client.get("/api/v1/workers")).json()["items"]
    assert (worker["name"], worker["state"]) == ("w1", "starting")
    builds = (await client.get("/api/v1/build")).json()
    assert builds["backend"]["version"] == build_info().version
    assert builds["workers"] == [
        {
            "worker": "w1",
            "state": "starting",
            "version": "0.0.9",
            "commit": "abc",
            "image": "worker-gpu",
            "lock": "e3b0",
        }
    ]


async def test_metrics_tell_of_requests_queues_and_workers(client, operations):
    new = NewOperation(kind="probe", title="p", queue="training-cpu", request={})
    for _ in range(3):
        created = await operations.create(new)
    await client.get(f"/api/v1/operations/{created.operation.id}")
    await client.request("BREW", "/coffee")
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = response.text.splitlines()
    for line in (
        'ktrdr_operations{kind="probe",state="pending"} 3.0',
        'ktrdr_queue_depth{queue="training-cpu"} 3.0',
        'ktrdr_http_requests_total{method="GET",route="/api/v1/operations/{operation}"'
        ',status="200"} 1.0',
        'ktrdr_http_requests_total{method="other",route="none",status="404"} 1.0',
    ):
        assert line in lines
    assert any(line.startswith("ktrdr_build_info{") for line in lines)
    assert "ktrdr_queue_oldest_seconds" in response.text
    assert created.operation.id not in response.text


async def test_the_description_tells_roles_problems_and_examples(client):
    document = (await client.get("/api/v1/openapi.json")).json()
    for route in create_app().state.accesses:
        methods = document["paths"].get(route.path)
        if methods is None:
            assert route.path == "/api/v1/openapi.json"
            continue
        for method in route.methods:
            operation = methods[method.lower()]
            assert operation.get("x-least-role") == route.role
            assert bool(operation["security"]) is (route.role is not None)
            assert operation["tags"]
            assert operation["description"]
            assert "default" in operation["responses"]
    names = set(document["components"]["schemas"])
    assert set(EXAMPLES) <= names
    assert "HTTPValidationError" not in names


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_what_they_stand_for(name):
    form = getattr(ktrdr.schemas, name)
    document = TypeAdapter(form).validate_python(EXAMPLES[name])
    if name == "TrainingStart":
        parse_strategy(document.strategy)


@pytest.mark.parametrize("status", PROBLEMS)
def test_problem_examples_are_problems(status):
    assert ProblemDocument.model_validate(PROBLEMS[status]).status == status
