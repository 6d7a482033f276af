"""Start work and look after it: trainings, backtests, studies, their operations."""

import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import TypeAdapter

from ktrdr.client.follow import Followed, follow
from ktrdr.client.transport import Ask
from ktrdr.schemas import (
    BacktestStart,
    EventDocument,
    OperationDetail,
    OperationDocument,
    OperationPage,
    OperationState,
    SweepStart,
    TrainingStart,
    WalkForwardStart,
    WorkStart,
)

if TYPE_CHECKING:
    from ktrdr.client.transport import Transport

_EVENTS = TypeAdapter(tuple[EventDocument, ...])
_RESULT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_PAGE = 100
# A sweep of many points is checked point by point before it starts.
_PLAN_SILENCE_S = 300.0
_PATHS: dict[type[WorkStart], str] = {
    TrainingStart: "/trainings",
    BacktestStart: "/backtests",
    SweepStart: "/sweeps",
    WalkForwardStart: "/walk-forwards",
}


class OperationsClient:
    """Everything about operations; ids may be shortened to their first letters."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport

    def start(self, start: WorkStart, *, key: str | None = None) -> OperationDocument:
        """Start work and return its operation.

        An answer that is lost on its way is asked for again, without starting twice.

        Parameters
        ----------
        start : TrainingStart, BacktestStart, SweepStart or WalkForwardStart
        key : str or None
            Idempotency key: the same one with the same work gives the operation of
            the first call. Made anew for every call unless given.
        """
        ask = Ask(
            method="POST",
            path=_PATHS[type(start)],
            body=start,
            key=key or secrets.token_urlsafe(24),
            silence_s=_PLAN_SILENCE_S,
        )
        return self._transport.read(OperationDocument, ask)

    def start_training(self, start: TrainingStart) -> OperationDocument:
        """Train a strategy."""
        return self.start(start)

    def start_backtest(self, start: BacktestStart) -> OperationDocument:
        """Backtest a model."""
        return self.start(start)

    def start_sweep(self, start: SweepStart) -> OperationDocument:
        """Try many values of parameters."""
        return self.start(start)

    def start_walk_forward(self, start: WalkForwardStart) -> OperationDocument:
        """Train and backtest on moving windows."""
        return self.start(start)

    def page(
        self,
        *,
        states: Sequence[OperationState] = (),
        kinds: Sequence[str] = (),
        with_children: bool = False,
        cursor: str | None = None,
        limit: int = _PAGE,
    ) -> OperationPage:
        """Return some operations, newest first, and how to get the next."""
        ask = Ask(
            path="/operations",
            parameters={
                "state": [state.value for state in states],
                "kind": list(kinds),
                "with_children": with_children,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return self._transport.read(OperationPage, ask)

    def list(
        self,
        *,
        states: Sequence[OperationState] = (),
        kinds: Sequence[str] = (),
        with_children: bool = False,
    ) -> Iterator[OperationDocument]:
        """Yield all operations, newest first."""
        cursor: str | None = None
        while True:
            page = self.page(
                states=states, kinds=kinds, with_children=with_children, cursor=cursor
            )
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def get(self, operation: str) -> OperationDetail:
        """Return one operation with its attempts."""
        return self._transport.read(OperationDetail, Ask(path=_path(operation)))

    def events(self, operation: str, *, after: int = 0) -> "Sequence[EventDocument]":
        """Return what has happened so far, after the event ``after``; at most 1000."""
        parameters = {"follow": False, "after": after}
        ask = Ask(path=_path(operation, "events"), parameters=parameters)
        return self._transport.read(_EVENTS, ask)

    def children(self, operation: str) -> Iterator[OperationDocument]:
        """Yield the operations that a study is made of, the last one first."""
        cursor: str | None = None
        while True:
            ask = Ask(
                path=_path(operation, "children"),
                parameters={"cursor": cursor, "limit": _PAGE},
            )
            page = self._transport.read(OperationPage, ask)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def follow(
        self, operation: str, *, after: int = 0, patience_s: float = 120.0
    ) -> Iterator[Followed]:
        """Yield its events, and itself whenever it changed; last in its final state.

        Goes on where it stopped when the connection breaks or the backend starts
        again. Stopping to iterate stops nothing but the following.

        Parameters
        ----------
        after : int
            Events with ids up to this are left out.
        patience_s : float
            How long the backend may be away before BackendError is raised.
        """
        return follow(self._transport, operation, after=after, patience_s=patience_s)

    def result(self, operation: str) -> dict[str, Any]:
        """Return what came out of a completed operation, or raise ConflictError."""
        return self._transport.read(_RESULT, Ask(path=_path(operation, "result")))

    def cancel(self, operation: str) -> OperationDocument:
        """Cancel: at once when pending, else as soon as its worker lets go."""
        return self._ask(operation, "cancel", repeatable=True)

    def resume(self, operation: str) -> OperationDocument:
        """Let a cancelled operation go on from its last checkpoint."""
        return self._ask(operation, "resume")

    def retry(self, operation: str) -> OperationDocument:
        """Try a failed operation again."""
        return self._ask(operation, "retry")

    def _ask(
        self, operation: str, what: str, *, repeatable: bool = False
    ) -> OperationDocument:
        path = _path(operation, what)
        ask = Ask(method="POST", path=path, repeatable=repeatable)
        return self._transport.read(OperationDocument, ask)


def _path(operation: str, what: str = "") -> str:
    return f"/operations/{quote(operation, safe='')}{'/' if what else ''}{what}"
