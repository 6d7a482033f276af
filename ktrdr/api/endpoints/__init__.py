"""The routes, one subject a file: read input, call one service, shape the answer."""

from fastapi import APIRouter

from ktrdr.api.endpoints import (
    backtests,
    data,
    fuzzy,
    indicators,
    models,
    operations,
    probes,
    results,
    session,
    store,
    strategies,
    studies,
    system,
    tokens,
    trainings,
)

# Everything below /api/v1. Each route names the role that it needs; see access.py.
ROUTERS: tuple[APIRouter, ...] = (
    system.router,
    session.router,
    tokens.router,
    trainings.router,
    backtests.router,
    studies.router,
    operations.router,
    probes.router,
    data.router,
    indicators.router,
    fuzzy.router,
    strategies.router,
    models.router,
    results.router,
    store.router,
)
