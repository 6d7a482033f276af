"""Strategies: list, show, validate, features, save, delete."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from ktrdr.api.access import ADMIN, OPERATOR, VIEWER
from ktrdr.api.endpoints.parameters import Limit, Offset
from ktrdr.api.services import strategy_service
from ktrdr.schemas import (
    StrategyDetail,
    StrategyFeatures,
    StrategySummary,
    StrategyText,
    StrategyVerdict,
)

router = APIRouter(prefix="/strategies", tags=["strategies"])

_Name = Annotated[str, Path(min_length=1, max_length=128, examples=["momentum"])]
_IfMatch = Annotated[
    str | None,
    Header(max_length=100, description="ETag of the text that may be replaced."),
]


@router.get("", dependencies=[VIEWER])
def list_strategies(offset: Offset = 0, limit: Limit = 1_000) -> list[StrategySummary]:
    """List the strategies in the server's folder, and the examples."""
    return strategy_service.list_strategies(offset=offset, limit=limit)


@router.post("/validate", dependencies=[VIEWER])
def validate(request: StrategyText) -> StrategyVerdict:
    """Check a strategy and tell every problem, with its path and line."""
    return strategy_service.validate(request.text)


@router.post("/features", dependencies=[VIEWER])
def features(request: StrategyText) -> StrategyFeatures:
    """Return the feature ids of a valid strategy, in the order of the network."""
    return strategy_service.features(request.text)


@router.get("/{name}", dependencies=[VIEWER])
def show_strategy(name: _Name, response: Response) -> StrategyDetail:
    """Show a stored strategy, valid or not."""
    return _tagged(strategy_service.show_strategy(name), response)


@router.put("/{name}", dependencies=[OPERATOR])
def save_strategy(
    name: _Name,
    request: StrategyText,
    response: Response,
    if_match: _IfMatch = None,
    if_none_match: Annotated[
        str | None, Header(max_length=100, description="`*`: only if there is none.")
    ] = None,
    overwrite: Annotated[bool, Query(description="Replace whatever is there.")] = False,
) -> StrategyDetail:
    """Save a valid strategy under its name; what is there stays unless told so."""
    saved = strategy_service.save(
        name,
        request.text,
        if_match=if_match,
        if_none_match=if_none_match,
        overwrite=overwrite,
    )
    return _tagged(saved, response)


@router.delete("/{name}", dependencies=[ADMIN], status_code=204)
def delete_strategy(
    name: _Name,
    if_match: Annotated[
        str,
        Header(max_length=100, description="ETag of the text that is to be deleted."),
    ],
) -> None:
    """Delete a strategy of the server's folder; examples stay."""
    strategy_service.delete(name, if_match=if_match)


def _tagged(detail: StrategyDetail, response: Response) -> StrategyDetail:
    response.headers["ETag"] = f'"{detail.text_digest}"'
    return detail
