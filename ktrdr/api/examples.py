"""Examples for the API's description; a test reads each as what it stands for."""

from http import HTTPStatus
from typing import Any

from ktrdr.api.pipeline_examples import PIPELINE_EXAMPLES

_STRATEGY = """\
name: momentum
version: 3
training_data: {symbols: [EURUSD], timeframes: [1h], base_timeframe: 1h}
indicators:
  rsi: {type: rsi, timeperiod: 14}
fuzzy_sets:
  momentum:
    indicator: rsi
    low: {type: linear_z, parameters: [30, 50]}
    high: {type: linear_s, parameters: [50, 70]}
nn_inputs:
  - {fuzzy_set: momentum}
model: {type: mlp, hidden_layers: [16]}
training:
  labels: {type: forward_return, horizon: 8}
decisions: {format: classification}
"""
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_AT = "2026-05-04T10:15:00Z"
_OPERATION = {
    "id": "k3v9d0c2xq",
    "kind": "backtest",
    "title": "backtest momentum@1 on EURUSD",
    "queue": "backtest",
    "priority": 0,
    "state": "running",
    "request": {"model": _DIGEST, "symbol": "EURUSD"},
    "attempt": 1,
    "failures": 0,
    "max_failures": 5,
    "created_by": "local",
    "created_at": _AT,
    "started_at": _AT,
    "heartbeat_at": _AT,
    "worker": "atlas-backtest-5002",
    "progress": {
        "phase": "bootstrap",
        "done": 400,
        "total": 1000,
        "unit": "resamples",
        "rate": 2500.0,
        "at": _AT,
    },
}
_TOKEN = {
    "id": "q7x2m9ab",
    "name": "nightly",
    "role": "operator",
    "created_at": _AT,
    "expires_at": "2027-05-04T10:15:00Z",
}
_PARAMETERS = [
    {"path": "backtest.stops.stop_loss", "values": [0.005, 0.01, 0.02]},
    {"path": "decisions.thresholds.long", "values": [0.5, 0.6]},
]

# Name of each schema to what it looks like.
EXAMPLES: dict[str, dict[str, Any]] = {
    **PIPELINE_EXAMPLES,
    "TrainingStart": {"strategy": _STRATEGY, "device": "auto"},
    "BacktestStart": {"model": "momentum@1", "part": "test", "seed": 0},
    "SweepStart": {"model": "momentum@1", "parameters": _PARAMETERS},
    "WalkForwardStart": {"strategy_name": "momentum", "n_windows": 6},
    "ProbesStart": {"n": 10, "queue": "backtest"},
    "TokenStart": {"name": "nightly", "role": "operator", "expires_days": 365},
    "SessionStart": {"token": f"ktrdr_q7x2m9ab_{'A' * 43}"},
    "OperationDocument": _OPERATION,
    "OperationDetail": {
        **_OPERATION,
        "attempts": [{"number": 1, "worker": "atlas-backtest-5002", "started_at": _AT}],
    },
    "OperationPage": {"items": [_OPERATION], "next_cursor": "41"},
    "EventDocument": {
        "id": 97,
        "operation": "k3v9d0c2xq",
        "attempt": 1,
        "at": _AT,
        "type": "phase",
        "data": {"name": "bootstrap", "total": 1000, "unit": "resamples"},
    },
    "TokenDocument": _TOKEN,
    "NewTokenDocument": {**_TOKEN, "token": f"ktrdr_q7x2m9ab_{'A' * 43}"},
    "UserDocument": {"name": "nightly", "role": "operator", "method": "token"},
    "ReadyDocument": {
        "status": "not_ready",
        "parts": [
            {"name": "database", "is_ready": True},
            {"name": "schema", "is_ready": True},
            {"name": "store", "is_ready": False, "reason": "permission denied"},
        ],
    },
}

_DETAILS = {
    400: ("input_invalid", "There was an error parsing the body"),
    401: ("not_authenticated", "nobody is logged in; send a token"),
    403: ("not_allowed", "nightly is viewer, this needs operator"),
    404: ("not_found", "there is no operation 'k3v9d0c2xq'"),
    409: ("conflict", "operation k3v9d0c2xq is completed and can't be cancelled"),
    413: ("too_large", "what was sent has more than 2,097,152 bytes"),
    422: ("input_invalid", "the request has 1 problem"),
    503: ("database_failed", "PostgreSQL at db:5432/ktrdr can't be reached"),
}


def _problem(status: int, code: str, detail: str) -> dict[str, Any]:
    item = {"path": "body.priority", "message": "Input should be a valid integer"}
    return {
        "type": f"urn:ktrdr:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "problems": [item] if status == HTTPStatus.UNPROCESSABLE_ENTITY else [],
        "request_id": "5a8a1d1e981ee639",
    }


# Status to a problem document with it.
PROBLEMS = {
    status: _problem(status, code, detail)
    for status, (code, detail) in _DETAILS.items()
}
