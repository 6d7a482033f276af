"""Start work: validate all that can be known, pin its data, create its operation."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from ktrdr.api.problems import Refused
from ktrdr.errors import ConflictError, NotFoundError
from ktrdr.operations import Created, NewOperation, Operations
from ktrdr.schemas import WorkStart

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore

_TRAINING_QUEUES = {
    "auto": "training-cpu",
    "cpu": "training-cpu",
    "cuda": "training-gpu",
    "mps": "training-mps",
}
BACKTEST_QUEUE = "backtest"
QUEUES = (BACKTEST_QUEUE, *dict.fromkeys(_TRAINING_QUEUES.values()))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks for work, and how a repeat of the question is known.

    Attributes
    ----------
    key : str or None
        The idempotency key.
    """

    user: str
    key: str | None


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An operation that is ready to be created.

    Attributes
    ----------
    device : str or None
        Where its training runs; None if it trains nothing.
    """

    kind: str
    title: str
    request: dict[str, Any]
    device: str | None = None

    @property
    def queue(self) -> str:
        """Whose workers do it."""
        return BACKTEST_QUEUE if self.device is None else _TRAINING_QUEUES[self.device]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An operation and its children, if it has any."""

    whole: Planned
    children: Sequence[Planned] = ()


class Starter:
    """Starts operations for one user.

    Parameters
    ----------
    store : function
        Returns the artifact store; called only when it is needed, since the first
        call takes its time.
    """

    def __init__(
        self,
        operations: Operations,
        store: "Callable[[], ArtifactStore]",
        asked: Asked,
    ) -> None:
        self._operations = operations
        self._store = store
        self._asked = asked

    async def start(
        self, start: WorkStart, plan: "Callable[[ArtifactStore], Plan]"
    ) -> Created:
        """Create what ``plan`` makes of the store, unless this is a repeat.

        Raises
        ------
        KtrdrError
            If ``plan`` finds something wrong; what the request names and does not
            exist is told with status 422.
        ConflictError
            If the idempotency key was used for another request.
        """
        digest = digest_of(start)
        repeated = await self._repeated(digest)
        if repeated is not None:
            return repeated
        made = await to_thread.run_sync(lambda: _planned(plan, self._store()))
        return await self._operations.create(
            self._new(made.whole, start.priority, digest=digest, key=self._asked.key),
            [self._new(child, start.priority) for child in made.children],
        )

    async def _repeated(self, digest: str) -> Created | None:
        # Asked before anything is validated: what was valid then may not be now.
        if self._asked.key is None:
            return None
        found = await self._operations.find_repeat(
            self._asked.user, self._asked.key, digest
        )
        return None if found is None else Created(operation=found, is_new=False)

    def _new(
        self,
        planned: Planned,
        priority: int,
        *,
        digest: str = "",
        key: str | None = None,
    ) -> NewOperation:
        return NewOperation(
            kind=planned.kind,
            title=planned.title,
            queue=planned.queue,
            request=planned.request,
            priority=priority,
            created_by=self._asked.user,
            idempotency_key=key,
            request_digest=digest,
        )


def _planned(plan: "Callable[[ArtifactStore], Plan]", store: "ArtifactStore") -> Plan:
    try:
        return plan(store)
    except (NotFoundError, ConflictError) as error:
        # Not the route is missing, nor another operation in the way.
        raise Refused(error, 422) from None


def digest_of(start: WorkStart) -> str:
    """Return by what a request is told from others with its idempotency key."""
    # The same body for another kind of work is another request.
    text = f"{type(start).__name__} {start.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()
