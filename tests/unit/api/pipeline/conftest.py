"""The backend's pipeline routes and the commands, on the same store."""

import json
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from ktrdr.api.backend import Backend
from ktrdr.api.main import create_app
from ktrdr.settings import Settings, settings
from ktrdr.storage import ArtifactStore

API = "/api/v1"


class LocalClient:
    """Somebody on this machine who waits for each answer."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        if "json" in request:
            # Half a surrogate pair, too, can be sent if it is escaped.
            request["content"] = json.dumps(request.pop("json")).encode()
            kind = {"Content-Type": "application/json"}
            request["headers"] = {**kind, **request.get("headers", {})}
        return anyio.run(self._request, method, path, request)

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.request("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.request("POST", path, **request)

    def put(self, path: str, **request: Any) -> httpx.Response:
        return self.request("PUT", path, **request)

    def delete(self, path: str, **request: Any) -> httpx.Response:
        return self.request("DELETE", path, **request)

    async def _request(
        self, method: str, path: str, request: dict[str, Any]
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 40000))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost:8000"
        ) as client:
            return await client.request(method, path, **request)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KTRDR_STRATEGIES", str(tmp_path / "strategies"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def store(home) -> ArtifactStore:
    return ArtifactStore.in_folder(settings().store_path)


@pytest.fixture(scope="session")
def app() -> FastAPI:
    return create_app(Settings())


@pytest.fixture
def client(home, app) -> LocalClient:
    """Ask routes that need no database, of an app with a fresh store."""
    app.state.backend = Backend(settings())
    return LocalClient(app)


@pytest.fixture
def get(client) -> Callable[..., Any]:
    """Return what a route answers, which has to be 200."""

    def get(path: str, **query: Any) -> Any:
        answer = client.get(f"{API}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


@pytest.fixture
def post(client) -> Callable[..., Any]:
    def post(path: str, body: Any = None, **query: Any) -> Any:
        answer = client.post(f"{API}{path}", json=body, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post


@pytest.fixture
def refused(client) -> Callable[..., Any]:
    """Return the problem with which a request is refused."""

    def refused(method: str, path: str, **request: Any) -> Any:
        answer = client.request(method, f"{API}{path}", **request)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        return problem

    return refused


def printed(app, *arguments: str) -> Any:
    """Return what a command prints with --json."""
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
