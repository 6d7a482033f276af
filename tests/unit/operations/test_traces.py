"""An operation stays part of the trace that it was created in."""

import asyncio
from contextvars import copy_context

import pytest

from ktrdr.operations import OperationFilter, Operations
from ktrdr.schemas import OperationDocument
from ktrdr.tracing import continue_trace
from tests.unit.operations.queue import BROKEN, Queue, new

pytestmark = pytest.mark.anyio

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def created(operations: Operations, *children: str) -> OperationDocument:
    async def create() -> OperationDocument:
        continue_trace(TRACEPARENT)
        made = await operations.create(new(), [new(title) for title in children])
        return made.operation

    return await asyncio.create_task(create(), context=copy_context())


async def test_each_attempt_is_told_the_trace(operations: Operations, queue: Queue):
    operation = await created(operations)
    assert operation.traceparent == TRACEPARENT
    for attempt in (1, 2):
        fetched = await queue.fetch()
        assert fetched is not None
        claimed = await operations.claim(fetched.token, "w1")
        assert (claimed.attempt, claimed.traceparent) == (attempt, TRACEPARENT)
        await operations.fail(fetched.token, BROKEN)
        await operations.retry(operation.id)


async def test_children_are_part_of_their_parents_trace(operations: Operations):
    parent = await created(operations, "a", "b")
    which = OperationFilter(parent=parent.id, with_children=True)
    children = (await operations.list_page(which)).items
    assert [one.traceparent for one in children] == [TRACEPARENT, TRACEPARENT]


async def test_who_does_not_trace_leaves_none(operations: Operations):
    assert (await operations.create(new())).operation.traceparent is None
