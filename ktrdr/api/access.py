"""Which role each route needs: declared by the route, or the app is not made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from ktrdr.errors import NotAllowedError, NotAuthenticatedError
from ktrdr.schemas import Role


@dataclass(frozen=True, kw_only=True)
class User:
    """Who asks.

    Attributes
    ----------
    name : str
        The token's; ``local`` for somebody on this machine without one.
    method : str
        How that is known.
    token_id : str or None
        Of the token behind it.
    """

    name: str
    role: Role
    method: Literal["local", "token", "session"]
    token_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Least:
    """A dependency that lets in whoever has at least ``role``; None lets in all."""

    role: Role | None

    def __call__(self, request: Request) -> None:
        """Refuse whoever may not."""
        if self.role is None:
            return
        user = user_of(request)
        if user is None:
            raise NotAuthenticatedError(
                "nobody is logged in; send a token: `Authorization: Bearer ktrdr_...`"
            )
        if not user.role.includes(self.role):
            raise NotAllowedError(
                f"{user.name} is {user.role}, this needs {self.role}; ask an admin for "
                "a token of that role"
            )


# What routes are given as a dependency: each has exactly one.
OPEN = Depends(Least(role=None))
VIEWER = Depends(Least(role=Role.VIEWER))
OPERATOR = Depends(Least(role=Role.OPERATOR))
ADMIN = Depends(Least(role=Role.ADMIN))


@dataclass(frozen=True, kw_only=True)
class RouteAccess:
    """One route, the function behind it and the role that it needs."""

    path: str
    endpoint: Callable[..., Any]
    methods: frozenset[str]
    role: Role | None


def user_of(request: Request) -> User | None:
    """Return who was found to ask, if anybody."""
    user = getattr(request.state, "user", None)
    return user if isinstance(user, User) else None


def route_accesses(prefix: str, router: APIRouter) -> list[RouteAccess]:
    """Return what each route of ``router`` needs, where it stands below ``prefix``.

    Raises
    ------
    RuntimeError
        If a route does not itself declare exactly one role.
    """
    return [_access(prefix, route) for route in router.routes]


def _access(prefix: str, route: BaseRoute) -> RouteAccess:
    declared = [
        one.dependency.role
        for one in getattr(route, "dependencies", ())
        if isinstance(one.dependency, Least)
    ]
    if len(declared) != 1 or not isinstance(route, APIRoute):
        raise RuntimeError(
            f"route {prefix}{getattr(route, 'path', '')} declares {len(declared)} "
            "roles, expected one of OPEN, VIEWER, OPERATOR and ADMIN among its "
            "dependencies"
        )
    return RouteAccess(
        path=prefix + route.path_format,
        endpoint=route.endpoint,
        methods=frozenset(route.methods or ()),
        role=declared[0],
    )
