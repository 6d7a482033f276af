"""A backend on a real database, asked without a network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from ktrdr.api.backend import Backend
from ktrdr.api.main import create_app
from ktrdr.api.tokens import Tokens
from ktrdr.database import Database
from ktrdr.operations import Operations
from ktrdr.schemas import Role, TokenStart
from ktrdr.settings import Settings
from tests.unit.backtesting.stored_models import filled_store

HERE = ("127.0.0.1", 40000)
ELSEWHERE = ("192.0.2.7", 40000)


@pytest.fixture
def config(database_url, tmp_path) -> Settings:
    return Settings(home=tmp_path, database_url=database_url, stalled_after_s=30)


@pytest.fixture
def app(config) -> FastAPI:
    return create_app(config)


@pytest.fixture
def idle_app(tmp_path) -> FastAPI:
    """An app that has not been started, so it has no database."""
    return create_app(Settings(home=tmp_path))


@pytest.fixture
async def running(app) -> AsyncIterator[FastAPI]:
    async with app.router.lifespan_context(app):
        await connected(app)
        yield app


@pytest.fixture
async def client(running) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody on this machine, without a token."""
    async with client_of(running) as client:
        yield client


@pytest.fixture
async def database(config) -> AsyncIterator[Database]:
    async with Database(config.database_url.get_secret_value()) as database:
        yield database


@pytest.fixture
def operations(database) -> Operations:
    return Operations(database)


@pytest.fixture
def tokens(database) -> Tokens:
    return Tokens(database)


@pytest.fixture
def store(config):
    """A store with 300 bars of TEST and the model two_timeframes@1."""
    return filled_store(config.store_path)


@asynccontextmanager
async def client_of(
    app: FastAPI, *, address=HERE, token: str | None = None, **headers: str
) -> AsyncIterator[httpx.AsyncClient]:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, client=address),
        base_url="http://localhost:8000",
        headers=headers,
    ) as client:
        yield client


async def connected(app: FastAPI) -> None:
    """Wait until the app has its database."""
    backend: Backend = app.state.backend
    async with asyncio.timeout(20):
        while not backend.is_connected:
            await asyncio.sleep(0.01)


async def token_of(tokens: Tokens, role: Role, name: str = "") -> str:
    start = TokenStart(name=name or f"a-{role}", role=role)
    return (await tokens.create(start)).token
