"""The artifact store, read only: for commands on other machines."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response

from ktrdr.api.access import VIEWER
from ktrdr.api.dependencies import StoreDep
from ktrdr.api.services import store_service
from ktrdr.schemas import RecordKeys

router = APIRouter(prefix="/store", tags=["store"])

_Kind = Annotated[str, Path(min_length=1, max_length=128, examples=["models"])]
_BLOB: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"}
            }
        }
    },
    304: {"description": "As it was."},
}
_RECORD: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {}}}}
}


@router.get(
    "/blobs/{digest}",
    dependencies=[VIEWER],
    response_class=Response,
    responses=_BLOB,
)
def read_blob(
    store: StoreDep,
    digest: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    if_none_match: Annotated[str | None, Header(max_length=1_000)] = None,
) -> Response:
    """Return an artifact's bytes, which never change."""
    headers = {
        "ETag": f'"{digest}"',
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    # Whoever has it by that name has the right bytes, or sees that they are not.
    if if_none_match is not None and digest in if_none_match:
        return Response(status_code=304, headers=headers)
    data = store_service.read_blob(store, digest)
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/records/{kind}", dependencies=[VIEWER])
def list_records(
    store: StoreDep,
    kind: _Kind,
    prefix: Annotated[
        str, Query(max_length=600, description="First parts of the keys, by slashes.")
    ] = "",
) -> RecordKeys:
    """List the keys of the records of one kind."""
    return store_service.list_records(store, kind, prefix)


@router.get(
    "/records/{kind}/{key:path}",
    dependencies=[VIEWER],
    response_class=Response,
    responses=_RECORD,
)
def read_record(
    store: StoreDep,
    kind: _Kind,
    key: Annotated[str, Path(min_length=1, max_length=600)],
) -> Response:
    """Return a record as it is stored."""
    data = store_service.read_record(store, kind, key)
    return Response(data, media_type="application/json")
