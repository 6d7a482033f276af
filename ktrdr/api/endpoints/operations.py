"""Look at operations, follow them, stop them and let them go on."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse

from ktrdr.api.access import OPERATOR, VIEWER
from ktrdr.api.authentication import find_user
from ktrdr.api.dependencies import BackendDep, OperationsDep
from ktrdr.api.services.operation_service import result_of, sent_events
from ktrdr.operations import OperationFilter
from ktrdr.schemas import (
    EventDocument,
    OperationDetail,
    OperationDocument,
    OperationPage,
    OperationState,
)

router = APIRouter(prefix="/operations", tags=["operations"])

_MAX_ID = 2**63 - 1
_Id = Annotated[
    str,
    Path(
        pattern="^[0-9a-z]{1,10}$",
        description="The id, or as much of its beginning as no other begins with.",
        examples=["k3v9d0c2xq"],
    ),
]
_Cursor = Annotated[
    str | None,
    Query(pattern="^[0-9]{1,18}$", description="The `next_cursor` of a page."),
]
_Limit = Annotated[int, Query(ge=1, le=500)]
_Word = Annotated[str, Query(pattern="^[A-Za-z0-9._@-]{1,64}$")]
_After = Annotated[int, Query(ge=0, le=_MAX_ID, description="Events after this one.")]
# One event of the stream; OpenAPI 3.2 describes streams so.
_STREAM_ITEM = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["event", "operation"]},
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "An EventDocument or OperationDocument.",
        },
    },
}


async def _found(operation: _Id, operations: OperationsDep) -> OperationDetail:
    detail: OperationDetail = await operations.get(operation)
    return detail


_Found = Annotated[OperationDetail, Depends(_found)]


@router.get("", dependencies=[VIEWER])
async def list_operations(
    operations: OperationsDep,
    state: Annotated[tuple[OperationState, ...], Query(max_length=7)] = (),
    kind: Annotated[tuple[_Word, ...], Query(max_length=20)] = (),
    parent: Annotated[str | None, Query(pattern="^[0-9a-z]{10}$")] = None,
    created_by: _Word | None = None,
    with_children: bool = False,
    cursor: _Cursor = None,
    limit: _Limit = 50,
) -> OperationPage:
    """List operations, newest first, without the children of others."""
    which = OperationFilter(
        states=state,
        kinds=kind,
        parent=parent,
        created_by=created_by,
        with_children=with_children,
    )
    page: OperationPage = await operations.list_page(which, cursor=cursor, limit=limit)
    return page


@router.get("/{operation}", dependencies=[VIEWER])
async def show_operation(found: _Found) -> OperationDetail:
    """Show an operation with all attempts at it."""
    return found


@router.get(
    "/{operation}/events",
    dependencies=[VIEWER],
    response_model=list[EventDocument],
    responses={
        200: {
            "description": "A stream of server-sent events: `event`, an EventDocument "
            "with its id, and `operation`, an OperationDocument; with `follow=false` "
            "a list of what has happened up to now, at most 1000.",
            "content": {"text/event-stream": {"itemSchema": _STREAM_ITEM}},
        }
    },
)
async def operation_events(
    found: _Found,
    backend: BackendDep,
    request: Request,
    after: _After = 0,
    follow: Annotated[
        bool, Query(description="Go on until the operation has ended.")
    ] = True,
    last_event_id: Annotated[str | None, Header(pattern="^[0-9]{1,18}$")] = None,
) -> list[EventDocument] | Response:
    """Follow what happens to an operation; go on after `Last-Event-ID` or `after`."""
    after = max(after, int(last_event_id or 0))
    if follow:
        check = partial(find_user, request, backend)
        return EventSourceResponse(
            sent_events(backend, found.id, after, check),
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
    return await backend.operations.events(found.id, after=after)


@router.get("/{operation}/result", dependencies=[VIEWER])
async def operation_result(found: _Found) -> dict[str, Any]:
    """Return the result; 409 while there is none, or with the code of the failure."""
    return result_of(found)


@router.get("/{operation}/children", dependencies=[VIEWER])
async def operation_children(
    found: _Found,
    operations: OperationsDep,
    cursor: _Cursor = None,
    limit: _Limit = 50,
) -> OperationPage:
    """List the operations that this one is made of, the last one first."""
    page: OperationPage = await operations.list_page(
        OperationFilter(parent=found.id), cursor=cursor, limit=limit
    )
    return page


@router.post("/{operation}/cancel", dependencies=[OPERATOR])
async def cancel_operation(
    operation: _Id, operations: OperationsDep
) -> OperationDocument:
    """Cancel an operation and its children; repeating it changes nothing."""
    changed: OperationDocument = await operations.cancel(operation)
    return changed


@router.post("/{operation}/resume", dependencies=[OPERATOR])
async def resume_operation(
    operation: _Id, operations: OperationsDep
) -> OperationDocument:
    """Let a cancelled operation go on from its last checkpoint."""
    changed: OperationDocument = await operations.resume(operation)
    return changed


@router.post("/{operation}/retry", dependencies=[OPERATOR])
async def retry_operation(
    operation: _Id, operations: OperationsDep
) -> OperationDocument:
    """Try a failed operation again."""
    changed: OperationDocument = await operations.retry(operation)
    return changed
