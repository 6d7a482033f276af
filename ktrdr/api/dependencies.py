"""What routes ask for: who asks, the database, operations, the artifact store."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from ktrdr.api.access import User, user_of
from ktrdr.api.backend import Backend
from ktrdr.errors import NotAuthenticatedError

if TYPE_CHECKING:
    from ktrdr.database import Database
    from ktrdr.operations import Operations
    from ktrdr.storage import ArtifactStore


def backend_of(request: Request) -> Backend:
    """Return what the app holds for as long as it runs."""
    backend = request.app.state.backend
    if not isinstance(backend, Backend):
        raise TypeError("the app was not made by create_app")
    return backend


def current_user(request: Request) -> User:
    """Return who asks, or raise NotAuthenticatedError."""
    user = user_of(request)
    if user is None:
        raise NotAuthenticatedError("nobody is logged in; send a token")
    return user


async def _database(request: Request) -> "Database":
    return backend_of(request).database


async def _operations(request: Request) -> "Operations":
    return backend_of(request).operations


def _store(request: Request) -> "ArtifactStore":
    # Not asynchronous: the first call imports a library and may reach out.
    return backend_of(request).store


# The room's types are named for the type checker only: importing the store costs
# what most routes don't need.
BackendDep = Annotated[Backend, Depends(backend_of)]
CurrentUser = Annotated[User, Depends(current_user)]
if TYPE_CHECKING:
    DatabaseDep = Annotated[Database, Depends(_database)]
    OperationsDep = Annotated[Operations, Depends(_operations)]
    StoreDep = Annotated[ArtifactStore, Depends(_store)]
else:
    DatabaseDep = Annotated[Any, Depends(_database)]
    OperationsDep = Annotated[Any, Depends(_operations)]
    StoreDep = Annotated[Any, Depends(_store)]
