-- create: Insert an operation, unless its key is taken.
WITH made AS (
    INSERT INTO ktrdr.operations (
        id, kind, title, queue, priority, state, request, max_failures,
        n_children, n_open_children, progress,
        created_by, idempotency_key, request_digest, traceparent
    )
    VALUES (
        %(id)s, %(kind)s, %(title)s, %(queue)s, %(priority)s, 'pending',
        %(request)s, %(max_failures)s,
        %(n_children)s, %(n_children)s, %(progress)s,
        %(created_by)s, %(idempotency_key)s, %(request_digest)s, %(traceparent)s
    )
    -- Waits for another transaction that is about to take the same key.
    ON CONFLICT (created_by, idempotency_key) DO NOTHING
    RETURNING *
), told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT id, attempt, 'state', jsonb_build_object('state', 'pending') FROM made
)
SELECT * FROM made

-- find_by_key: The operation that took a key.
SELECT * FROM ktrdr.operations
WHERE created_by = %(created_by)s AND idempotency_key = %(idempotency_key)s

-- create_children: Insert all children of a parent, in the order of the plan.
WITH made AS (
    INSERT INTO ktrdr.operations (
        id, kind, title, queue, priority, state, request, max_failures,
        parent_id, created_by, request_digest, traceparent
    )
    SELECT
        id, kind, title, queue, priority, 'pending', request, max_failures,
        %(parent)s, %(created_by)s, '', %(traceparent)s
    FROM unnest(
        %(ids)s::text[], %(kinds)s::text[], %(titles)s::text[], %(queues)s::text[],
        %(priorities)s::integer[], %(requests)s::jsonb[], %(max_failures)s::integer[]
    ) WITH ORDINALITY AS child (
        id, kind, title, queue, priority, request, max_failures, place
    )
    ORDER BY place
    RETURNING id, seq, attempt, queue, priority
), told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT id, attempt, 'state', jsonb_build_object('state', 'pending')
    FROM made ORDER BY seq
)
SELECT id, attempt, queue, priority FROM made ORDER BY seq
