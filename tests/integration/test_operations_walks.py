"""Random walks through what may happen to operations, and what always holds.

Users, workers, sweepers and accidents act in any order, first one at a time with
everything checked after each step, then all at once. An accident is what a crash
leaves behind: a silent worker, or a job that is closed though nobody told how the
operation ended.
"""

import asyncio
import random
from collections import Counter

import pytest

from ktrdr.database import Database, Row
from ktrdr.errors import AttemptSuperseded, ConflictError
from ktrdr.operations import AttemptToken, Operations
from tests.unit.operations.queue import BROKEN, PASSING, SILENT_S, Fetched, Queue, new

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

OPEN = ("pending", "running", "cancelling")

# What must never be found; each names what is wrong.
NEVER = {
    "an open operation without a job or with several": """
        SELECT o.id FROM ktrdr.operations AS o WHERE o.state = ANY(%(open)s)
        AND (o.n_open_children = 0)::int <> (
            SELECT count(*) FROM procrastinate_jobs AS j
            WHERE j.status IN ('todo', 'doing')
            AND j.args ->> 'operation' = o.id
            AND (j.args ->> 'attempt')::int = o.attempt
        ) AND o.id <> ALL(%(broken)s)
    """,
    "a parent whose count is wrong": """
        SELECT o.id FROM ktrdr.operations AS o WHERE o.n_open_children <> (
            SELECT count(*) FROM ktrdr.operations AS c
            WHERE c.parent_id = o.id AND c.state = ANY(%(open)s)
        )
    """,
    "a parent that ended before its children": """
        SELECT id FROM ktrdr.operations
        WHERE n_open_children > 0 AND state <> ALL(%(open)s)
    """,
    "an attempt that is open although nobody is at it, or the other way round": """
        SELECT o.id FROM ktrdr.operations AS o
        WHERE (
            o.worker IS NOT NULL AND o.state IN ('running', 'cancelling')
        ) <> EXISTS (
            SELECT FROM ktrdr.attempts AS a WHERE a.operation_id = o.id
            AND a.ended_at IS NULL AND a.number = o.attempt
        )
    """,
    "an older attempt that is still open": """
        SELECT o.id FROM ktrdr.operations AS o JOIN ktrdr.attempts AS a
        ON a.operation_id = o.id AND a.number < o.attempt AND a.ended_at IS NULL
    """,
    "a state that the last event does not tell": """
        SELECT o.id FROM ktrdr.operations AS o WHERE o.state <> (
            SELECT e.data ->> 'state' FROM ktrdr.events AS e
            WHERE e.operation_id = o.id AND e.type = 'state' ORDER BY e.id DESC LIMIT 1
        )
    """,
    "an end that does not fit": """
        SELECT id FROM ktrdr.operations
        WHERE (finished_at IS NULL) <> (state = ANY(%(open)s))
        OR (result IS NOT NULL) <> (state = 'completed')
        OR (error IS NOT NULL) <> (state IN ('failed', 'dead_letter'))
        OR failures > max_failures
        OR (failures = max_failures AND state <> 'dead_letter')
    """,
}


class Walk:
    """Some operations and those who act on them."""

    def __init__(self, operations: Operations, queue: Queue, seed: int) -> None:
        self.operations = operations
        self.queue = queue
        self.dice = random.Random(seed)
        self.ids: list[str] = []
        self.held: list[Fetched] = []
        # Fetched by a worker that takes its time to claim it.
        self.slow: list[Fetched] = []
        self.past: list[AttemptToken] = []
        # Left by an accident until the next sweep.
        self.broken: set[str] = set()
        self.revived: set[str] = set()
        self.completions: Counter[str] = Counter()

    # Users

    async def create(self) -> None:
        if len(self.ids) > 30:
            return
        children = [
            new(f"c{n}", max_failures=self.dice.randint(1, 3))
            for n in range(self.dice.choice((0, 0, 1, 3)))
        ]
        asked = new(max_failures=self.dice.randint(1, 3))
        made = (await self.operations.create(asked, children)).operation.id
        rows = await self.queue.run(
            "SELECT id FROM ktrdr.operations WHERE parent_id = %(id)s", id=made
        )
        self.ids += [made, *(row["id"] for row in rows)]

    async def cancel(self) -> None:
        await self._ask(self.operations.cancel)

    async def resume(self) -> None:
        await self._ask(self.operations.resume, revives=True)

    async def retry(self) -> None:
        await self._ask(self.operations.retry, revives=True)

    async def _ask(self, command, revives: bool = False) -> None:
        if not self.ids:
            return
        operation = self.dice.choice(self.ids)
        try:
            await command(operation)
        except ConflictError:
            return
        if revives:
            self.revived.add(operation)

    # Workers

    async def fetch(self) -> None:
        await self.queue.make_due()
        if fetched := await self.queue.fetch():
            self.slow.append(fetched)
            if self.dice.random() < 0.7:
                await self.claim()

    async def claim(self) -> None:
        if self.slow:
            fetched = self.slow.pop()
            self.held.append(fetched)
            claiming = self.operations.claim(fetched.token, f"w{fetched.job}")
            if not await self._write(claiming):
                await self.drop(fetched)

    async def tell(self) -> None:
        if fetched := self.any_held():
            await self._write(self.operations.heartbeat(fetched.token))
            note = self.operations.record(fetched.token, "note", {"n": 1})
            await self._write(note)

    async def end(self) -> None:
        if fetched := self.any_held():
            token = fetched.token
            match self.dice.randrange(7):
                case 0 | 1 | 2:
                    is_done = await self._write(self.operations.complete(token, {}))
                    self.completions[token.operation] += is_done
                case 3:
                    await self._write(self.operations.fail(token, BROKEN))
                case 4:
                    await self._write(self.operations.fail(token, PASSING))
                case 5:
                    await self._write(self.operations.hand_back(token, "why"))
                case 6:
                    if not await self._write(self.operations.let_go(token)):
                        # Nobody asked for it.
                        await self._write(self.operations.hand_back(token, "why"))
            await self.drop(fetched)

    def any_held(self) -> Fetched | None:
        return self.dice.choice(self.held) if self.held else None

    async def drop(self, fetched: Fetched) -> None:
        self.past.append(fetched.token)
        if fetched in self.held:
            self.held.remove(fetched)
            await self.queue.close(fetched.job)

    async def _write(self, writing) -> bool:
        try:
            await writing
        except AttemptSuperseded:
            return False
        return True

    # Accidents and what is done about them

    async def lose(self) -> None:
        """A job ends, and nobody tells how its operation did."""
        if fetched := self.any_held():
            self.broken.add(fetched.token.operation)
            await self.drop(fetched)

    async def sleep(self) -> None:
        """Workers are silent for long; they may wake up."""
        await self.queue.age()
        if fetched := self.any_held():
            await self.queue.run(
                "UPDATE ktrdr.operations SET heartbeat_at = now() - interval '1 hour', "
                "created_at = created_at - interval '1 hour' WHERE id = %(id)s",
                id=fetched.token.operation,
            )

    async def sweep(self) -> None:
        for operation in list(self.broken):
            await self.queue.run(
                "UPDATE ktrdr.operations SET created_at = now() - interval '1 hour', "
                "heartbeat_at = heartbeat_at - interval '1 hour' WHERE id = %(id)s",
                id=operation,
            )
        broken = set(self.broken)
        await self.operations.sweep(SILENT_S)
        self.broken -= broken

    async def step(self) -> None:
        acts = (self.create, self.cancel, self.resume, self.retry, self.lose)
        often = (
            *(self.fetch, self.fetch, self.claim, self.tell),
            *(self.end, self.end, self.sleep),
        )
        await self.dice.choice((*acts, *often, *often, self.sweep))()


async def check(walk: Walk) -> None:
    for wrong, statement in NEVER.items():
        found = await walk.queue.run(
            statement, open=list(OPEN), broken=list(walk.broken)
        )
        assert not found, f"{wrong}: {found}"


async def ended(walk: Walk) -> dict[str, Row]:
    rows = await walk.queue.run(
        "SELECT *, (SELECT count(*) FROM ktrdr.events AS e WHERE e.operation_id = o.id)"
        " AS n_events FROM ktrdr.operations AS o WHERE state <> ALL(%(open)s)",
        open=list(OPEN),
    )
    return {row["id"]: row for row in rows}


async def check_ended_stayed(walk: Walk, before: dict[str, Row]) -> None:
    now = await ended(walk)
    for operation, row in before.items():
        family = {operation, row["parent_id"]}
        if not family & walk.revived:
            # Its job may be seen by the sweep as nobody's; nothing else changes.
            assert _without_times(now[operation]) == _without_times(row)


def _without_times(row: Row) -> Row:
    # The walk itself moves these to the past.
    return {k: v for k, v in row.items() if k not in ("created_at", "heartbeat_at")}


async def check_one_writer(walk: Walk) -> None:
    tokens = {*walk.past, *(fetched.token for fetched in walk.held)}
    writers: Counter[str] = Counter()
    for token in tokens:
        is_let = await walk._write(walk.operations.heartbeat(token))
        writers[token.operation] += is_let
    assert max(writers.values(), default=0) <= 1


async def drain(walk: Walk) -> None:
    """Let reliable workers do the rest: nothing may be stuck."""
    for _ in range(200):
        await walk.queue.age(*walk.ids)
        await walk.operations.sweep(SILENT_S)
        await walk.queue.make_due()
        while fetched := await walk.queue.fetch():
            token = fetched.token
            if await walk._write(walk.operations.claim(token, f"d{fetched.job}")):
                is_done = await walk._write(walk.operations.complete(token, {}))
                walk.completions[token.operation] += is_done
            await walk.queue.finish(fetched.job)
        rows = await walk.queue.run(
            "SELECT id FROM ktrdr.operations WHERE state = ANY(%(open)s)",
            open=list(OPEN),
        )
        if not rows:
            return
    raise AssertionError(f"stuck: {rows}")


async def check_completed_once(walk: Walk) -> None:
    rows = await walk.queue.run(
        "SELECT id FROM ktrdr.operations WHERE state = 'completed'"
    )
    completed = {row["id"] for row in rows}
    assert {one: n for one, n in walk.completions.items() if n} == dict.fromkeys(
        completed, 1
    )


@pytest.mark.parametrize("seed", range(6))
async def test_step_by_step(seed: int, database_url: str):
    async with Database(database_url, max_size=4) as database:
        queue = Queue(database)
        await queue.until_server_is_old_enough()
        walk = Walk(Operations(database), queue, seed)
        for number in range(150):
            before = await ended(walk)
            walk.revived.clear()
            await walk.step()
            await check(walk)
            await check_ended_stayed(walk, before)
            if number % 10 == 0:
                await check_one_writer(walk)
        await drain(walk)
        walk.broken.clear()
        await check(walk)
        await check_completed_once(walk)


@pytest.mark.parametrize("seed", range(4))
async def test_all_at_once(seed: int, database_url: str):
    async with Database(database_url, max_size=12) as database:
        queue = Queue(database)
        await queue.until_server_is_old_enough()
        operations = Operations(database)
        shared = Walk(operations, queue, seed)
        walks = [Walk(operations, queue, 100 * seed + n) for n in range(8)]
        for walk in walks:
            # All act on the same operations; each holds jobs of its own.
            walk.ids = shared.ids
            walk.completions = shared.completions

        async def go(walk: Walk) -> None:
            for _ in range(60):
                await walk.step()

        await asyncio.gather(*map(go, walks))
        shared.past = [token for walk in walks for token in walk.past]
        shared.held = [fetched for walk in walks for fetched in walk.held]
        await check_one_writer(shared)
        shared.broken = set(shared.ids)
        await check(shared)
        await drain(shared)
        shared.broken = set()
        await check(shared)
        await check_completed_once(shared)
