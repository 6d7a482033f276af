"""Which routes who may use: nobody any, unless a route says otherwise."""

import re

import pytest
from fastapi import APIRouter, FastAPI, Response

from ktrdr.api.access import ADMIN, VIEWER, RouteAccess
from ktrdr.api.main import create_app
from ktrdr.schemas import Role
from tests.unit.api.conftest import ELSEWHERE, client_of, token_of

pytestmark = pytest.mark.anyio

ROUTES = create_app().state.accesses
FOUND = {401: "unknown", 403: "refused"}
OPEN_PATHS = {
    ("GET", "/api/v1/health/live"),
    ("GET", "/api/v1/health/ready"),
    ("POST", "/api/v1/session"),
}


def path_of(route: RouteAccess) -> str:
    # Nothing has these names, so nothing happens where somebody is let in.
    return re.sub(r"\{[^}]+\}", "zzz", route.path)


def expected(route: RouteAccess, role: Role | None) -> str:
    if route.role is None:
        return "let in"
    if role is None:
        return "unknown"
    return "let in" if role.includes(route.role) else "refused"


@pytest.mark.parametrize("role", [None, *Role])
async def test_each_route_lets_in_its_role_and_those_above_it(running, tokens, role):
    token = None if role is None else await token_of(tokens, role)
    wrong = {}
    async with client_of(running, address=ELSEWHERE, token=token) as client:
        for route in ROUTES:
            for method in sorted(route.methods):
                response = await client.request(method, path_of(route))
                found = FOUND.get(response.status_code, "let in")
                if found != expected(route, role):
                    wrong[f"{method} {route.path}"] = response.status_code
    assert not wrong


async def test_only_these_routes_are_open():
    found = {
        (method, route.path)
        for route in ROUTES
        if route.role is None
        for method in route.methods
    }
    assert found == OPEN_PATHS


@pytest.mark.parametrize("role", [None, *Role])
async def test_nobody_learns_without_a_token_what_there_is(running, tokens, role):
    token = None if role is None else await token_of(tokens, role)
    async with client_of(running, address=ELSEWHERE, token=token) as client:
        response = await client.get("/api/v1/nothing-here")
    assert response.status_code == (401 if role is None else 404)


@pytest.mark.parametrize("dependencies", [[], [VIEWER, ADMIN]])
def test_a_route_without_exactly_one_role_makes_no_app(monkeypatch, dependencies):
    router = APIRouter()

    @router.get("/forgotten", dependencies=dependencies)
    async def forgotten() -> None:
        pass

    monkeypatch.setattr("ktrdr.api.main.ROUTERS", (router,))
    with pytest.raises(RuntimeError, match=r"/api/v1/forgotten declares \d roles"):
        create_app()


def test_a_plain_route_without_role_makes_no_app(monkeypatch):
    router = APIRouter()
    router.add_route("/plain", lambda request: Response())
    monkeypatch.setattr("ktrdr.api.main.ROUTERS", (router,))
    with pytest.raises(RuntimeError, match="/api/v1/plain"):
        create_app()


def test_a_mount_counts_as_a_route(monkeypatch):
    router = APIRouter()
    router.mount("/inner", FastAPI())
    monkeypatch.setattr("ktrdr.api.main.ROUTERS", (router,))
    with pytest.raises(RuntimeError, match="/api/v1/inner"):
        create_app()
