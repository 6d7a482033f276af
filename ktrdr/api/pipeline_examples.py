"""Examples for the API's description: data, indicators, strategies, models, results."""

from typing import Any

_DIGEST = "9b47ba0f4f1444e291f01ab0d96b77f87efdb5288be5f3bcfdc4b07de4b9c4a9"
_SNAPSHOT = {
    "digest": _DIGEST,
    "symbol": "EURUSD",
    "timeframe": "1h",
    "n_bars": 6225,
    "start": "2017-01-01T22:00:00Z",
    "end": "2017-12-29T22:00:00Z",
    "kind": "file",
    "source": "EURUSD_1h.csv",
    "source_digest": _DIGEST,
    "imported_at": "2026-05-04T10:15:00Z",
    "settings": {"time zone": "UTC", "calendar": "fx"},
    "notes": ["Timeframe 1h by the spacing of times (--timeframe)."],
    "quality": {"gaps, closed": 50},
    "change_counts": {},
    "changes_digest": None,
}
_TIMES = ["2017-06-01T00:00:00.000Z", "2017-06-01T01:00:00.000Z"]
_COLUMNS = {
    "time": _TIMES,
    "open": [1.12424, 1.12396],
    "high": [1.12441, 1.12421],
    "low": [1.12363, 1.12368],
    "close": [1.12396, 1.12402],
    "volume": [3180.0, 2954.0],
}
_GAP = {"begin": "2017-06-02T21:00:00.000Z", "end": "2017-06-04T22:00:00.000Z"}
_TERMS = {
    "low": {"type": "linear_z", "parameters": [30.0, 50.0]},
    "high": {"type": "linear_s", "parameters": [50.0, 70.0]},
}
_FEATURES = ["1h_momentum_low", "1h_momentum_high"]
_STRATEGY = {"name": "momentum", "digest": _DIGEST, "features": _FEATURES}

# Name of each schema to what it looks like.
PIPELINE_EXAMPLES: dict[str, dict[str, Any]] = {
    "SnapshotDocument": _SNAPSHOT,
    "SnapshotDetail": {**_SNAPSHOT, "changes": []},
    "StoredDocument": {"snapshot": _SNAPSHOT, "notes": []},
    "BarsPage": {**_COLUMNS, "snapshot": _SNAPSHOT, "n_bars": 6225, "next": _TIMES[1]},
    "ResampleRequest": {"to": "4h"},
    "GapsDocument": {
        "snapshot": _SNAPSHOT,
        "calendar": "fx",
        "calendar_reason": "guessed: a currency pair, closed on weekends",
        "kind": "closed",
        "n_gaps": 50,
        "n_missing": 2450,
        "gaps": [{**_GAP, "n_missing": 49}],
    },
    "IndicatorSummary": {
        "name": "rsi",
        "title": "Relative Strength Index",
        "group": "momentum",
        "origin": "ta-lib",
        "outputs": ["value"],
    },
    "CalculateRequest": {
        "symbol": "EURUSD",
        "timeframe": "1h",
        "type": "rsi",
        "parameters": {"timeperiod": 14},
        "from": "2017-06-01",
        "last": 2,
    },
    "IndicatorValues": {
        "symbol": "EURUSD",
        "timeframe": "1h",
        "snapshot": _DIGEST,
        "type": "rsi",
        "parameters": {"timeperiod": 14, "source": "close"},
        "warm_up": 14,
        "time": _TIMES,
        "outputs": {"value": [52.61, None]},
    },
    "CurvesRequest": {"memberships": _TERMS, "n_points": 3, "low": 30.0, "high": 70.0},
    "CurvesAnswer": {
        "curves": [
            {
                "name": "memberships",
                "indicator": "",
                "values": [30.0, 50.0, 70.0],
                "degrees": {"low": [1.0, 0.0, 0.0], "high": [0.0, 0.0, 1.0]},
            }
        ]
    },
    "EvaluateRequest": {"memberships": _TERMS, "values": [40.0, None]},
    "DegreesDocument": {
        "name": "memberships",
        "degrees": {"low": [0.5, None], "high": [0.0, None]},
    },
    "StrategyText": {"text": "name: momentum\nversion: 3\n"},
    "StrategySummary": {
        "name": "momentum",
        "is_example": True,
        "valid": True,
        "timeframes": ["1h"],
        "n_features": 2,
        "description": "Buys strength.",
    },
    "StrategyFeatures": _STRATEGY,
    "StrategyVerdict": {
        "valid": False,
        "problems": [
            {
                "path": "indicators.rsi.type",
                "line": 5,
                "message": "unknown indicator 'rsy'",
                "hint": "did you mean rsi?",
            }
        ],
        "name": None,
        "digest": None,
        "features": [],
        "summary": [],
    },
    "ModelSummary": {
        "model": "momentum@1",
        "name": "momentum",
        "version": 1,
        "digest": _DIGEST,
        "created_at": "2026-05-04T10:15:00.000000+00:00",
        "symbols": ["EURUSD"],
        "metrics": {"test": {"model": {"balanced_accuracy": 0.41}}},
    },
    "PredictRequest": {"symbol": "EURUSD", "from": "2017-11-01", "last": 2},
    "PredictionDocument": {
        "model": "momentum@1",
        "digest": _DIGEST,
        "symbol": "EURUSD",
        "timeframe": "1h",
        "time": _TIMES,
        "outputs": {"short": [0.2, None], "flat": [0.3, None], "long": [0.5, None]},
        "target": [1, 0],
    },
    "ResultSummary": {
        "digest": _DIGEST,
        "created_at": "2026-05-04T10:15:00+00:00",
        "model": "momentum@1",
        "symbol": "EURUSD",
        "timeframe": "1h",
        "start": "2017-10-19T04:00:00Z",
        "end": "2017-12-29T21:00:00Z",
        "n_in_sample": 0,
        "n_trades": 41,
        "total_return": -0.012,
        "sharpe": -0.8,
    },
    "TableDocument": {
        "result": _DIGEST,
        "table": "equity",
        "n_rows": 1190,
        "offset": 0,
        "columns": {"time": _TIMES, "equity": [10000.0, 10012.5]},
    },
    "RecordKeys": {"kind": "models", "keys": [["momentum", "000001"]]},
}
