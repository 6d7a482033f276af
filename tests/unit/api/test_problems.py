"""Whatever goes wrong is told as a problem document."""

import httpx
import pytest
from fastapi import APIRouter, Request

from ktrdr.api.access import VIEWER
from ktrdr.api.limits import UPLOAD
from ktrdr.api.main import create_app
from ktrdr.errors import DatabaseError, ProviderError
from ktrdr.schemas import ProblemDocument
from ktrdr.settings import Settings
from tests.unit.api.conftest import client_of

pytestmark = pytest.mark.anyio

KB = 1024
MB = 1024 * KB


def problem_in(response: httpx.Response) -> ProblemDocument:
    assert response.headers["content-type"] == "application/problem+json"
    problem = ProblemDocument.model_validate_json(response.content)
    assert problem.status == response.status_code
    assert problem.type == f"urn:ktrdr:problem:{problem.code}"
    assert problem.request_id == response.headers["x-request-id"]
    return problem


@pytest.fixture
def odd_app(monkeypatch, tmp_path):
    """An app whose routes go wrong, or take what is sent."""
    router = APIRouter()

    @router.get("/defect", dependencies=[VIEWER])
    async def defect() -> None:
        raise ZeroDivisionError("the secret number is 42")

    @router.get("/away", dependencies=[VIEWER])
    async def away() -> None:
        raise DatabaseError("the database is away")

    @router.get("/provider", dependencies=[VIEWER])
    async def provider() -> None:
        raise ProviderError("the source is away")

    @router.get("/full", dependencies=[VIEWER])
    def full() -> None:
        raise OSError(28, "No space left on device")

    @router.get("/wrong", dependencies=[VIEWER])
    async def wrong() -> int:
        return "not a number"  # type: ignore[return-value]

    @router.post("/small", dependencies=[VIEWER])
    async def small(value: dict[str, int]) -> int:
        return len(value)

    @router.post("/file", dependencies=[VIEWER, UPLOAD])
    async def file(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    monkeypatch.setattr("ktrdr.api.main.ROUTERS", (router,))
    return create_app(Settings(home=tmp_path, max_body_mb=1, max_upload_mb=3))


@pytest.fixture
async def odd(odd_app):
    async with client_of(odd_app) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("PUT", "/api/v1/away", 405, "method_not_allowed"),
        ("POST", "/api/v1/small", 422, "input_invalid"),
        ("GET", "/api/v1/away", 503, "database_failed"),
        ("GET", "/api/v1/provider", 502, "provider_failed"),
        ("GET", "/api/v1/full", 503, "storage_failed"),
        ("GET", "/api/v1/defect", 500, "internal"),
        ("GET", "/api/v1/wrong", 500, "internal"),
    ],
)
async def test_errors_have_a_status_and_a_code(odd, method, path, status, code):
    response = await odd.request(method, path)
    problem = problem_in(response)
    assert (problem.status, problem.code) == (status, code)


async def test_a_defect_is_logged_and_not_told(odd, capfd):
    response = await odd.get("/api/v1/defect", headers={"X-Request-ID": "look-here"})
    assert problem_in(response).request_id == "look-here"
    assert "42" not in response.text
    assert "Traceback" not in response.text
    told = "".join(capfd.readouterr())
    assert "the secret number is 42" in told
    assert "look-here" in told


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>"])
async def test_an_odd_request_id_is_replaced(odd, given):
    response = await odd.get("/api/v1/away", headers={"X-Request-ID": given})
    assert problem_in(response).request_id != given


async def test_every_answer_has_headers_against_mischief(odd):
    for path in ("/api/v1/nothing", "/api/v1/defect", "/metrics"):
        headers = (await odd.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def chunks(n_bytes: int):
    async def send():
        for _ in range(n_bytes // (64 * KB)):
            yield b" " * (64 * KB)

    return send()


@pytest.mark.parametrize(
    ("path", "most"), [("/api/v1/small", MB), ("/api/v1/file", 3 * MB)]
)
@pytest.mark.parametrize("is_told", [True, False])
async def test_a_body_may_have_so_many_bytes_and_no_more(odd, path, most, is_told):
    def body(n_bytes):
        return b" " * n_bytes if is_told else chunks(n_bytes)

    kind = {"Content-Type": "application/json"}
    at_most = await odd.post(path, content=body(most), headers=kind)
    assert at_most.status_code in (200, 422)
    more = await odd.post(path, content=body(most + 64 * KB), headers=kind)
    problem = problem_in(more)
    assert (problem.status, problem.code) == (413, "too_large")


async def test_an_announced_length_is_enough_to_refuse(odd):
    class Unread(httpx.AsyncByteStream):
        async def __aiter__(self):
            was_read.append(True)
            yield b" "

    was_read: list[bool] = []
    headers = {"Content-Length": str(10 * MB), "Content-Type": "application/json"}
    response = await odd.post("/api/v1/small", content=Unread(), headers=headers)
    assert problem_in(response).status == 413
    assert not was_read


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b"\xff\xfe",
        b'{"a": "\\ud800"}',
        b"9" * 5000,
    ],
)
async def test_json_that_is_none_or_odd_is_refused(odd, body):
    kind = {"Content-Type": "application/json"}
    response = await odd.post("/api/v1/small", content=body, headers=kind)
    assert problem_in(response).status in (400, 422)


async def test_a_body_of_another_kind_is_refused(odd):
    response = await odd.post("/api/v1/small", content=b'{"a": 1}')
    assert problem_in(response).status == 422


async def test_what_was_sent_is_not_sent_back(odd):
    response = await odd.post("/api/v1/small", json={"a": "hunter2"})
    problem = problem_in(response)
    assert "hunter2" not in response.text
    assert [item.path for item in problem.problems] == ["body.a"]
