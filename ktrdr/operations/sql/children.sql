-- count_down: One child of the parent has ended; the child's row is locked already.
WITH parent AS (
    UPDATE ktrdr.operations
    SET n_open_children = n_open_children - 1,
        progress = jsonb_build_object(
            'phase', 'children', 'unit', 'children', 'at', now(),
            'done', n_children - n_open_children + 1, 'total', n_children
        )
    WHERE id = %(parent)s
    RETURNING *
)
SELECT *, (SELECT pg_notify('ktrdr_operations', id)) FROM parent

-- tally: How the children of a parent ended, with the first error of them.
SELECT
    bool_or(state = 'completed') AS any_completed,
    (
        SELECT jsonb_build_object('title', title, 'error', error)
        FROM ktrdr.operations
        WHERE parent_id = %(parent)s AND state IN ('failed', 'dead_letter')
        ORDER BY seq
        LIMIT 1
    ) AS first_failed
FROM ktrdr.operations
WHERE parent_id = %(parent)s

-- outcomes: How the children ended, in the order of the plan.
SELECT title, state, result, error
FROM ktrdr.operations
WHERE parent_id = %(parent)s
  AND state IN ('completed', 'failed', 'cancelled', 'dead_letter')
ORDER BY seq

-- lock_open: Lock the children that have not ended, before their parent.
SELECT id FROM ktrdr.operations
WHERE parent_id = %(parent)s AND state IN ('pending', 'running', 'cancelling')
ORDER BY id
FOR NO KEY UPDATE

-- cancel_open: Cancel children that are locked: at once those that wait.
WITH child AS (
    UPDATE ktrdr.operations
    SET state = CASE state WHEN 'pending' THEN 'cancelled' ELSE 'cancelling' END,
        finished_at = CASE state WHEN 'pending' THEN now() END
    WHERE parent_id = %(parent)s AND state IN ('pending', 'running')
    RETURNING id, attempt, state, worker, job_id
), told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT id, attempt, 'state', jsonb_strip_nulls(jsonb_build_object(
        'state', state, 'worker', worker, 'reason', 'its parent was cancelled'
    ))
    FROM child
)
SELECT state, job_id FROM child

-- begin_again: Give new attempts to the children that ended in one of the states.
-- Their parent, which has ended, is locked; nobody else touches them then.
WITH again AS (
    UPDATE ktrdr.operations
    SET state = 'pending',
        attempt = attempt + 1,
        failures = CASE WHEN %(forget)s THEN 0 ELSE failures END,
        worker = NULL,
        job_id = NULL,
        error = NULL,
        finished_at = NULL
    WHERE parent_id = %(parent)s AND state = ANY(%(states)s)
    RETURNING *
), told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT again.id, again.attempt, event.type, event.data
    FROM again, LATERAL (
        VALUES
            (1, 'state', jsonb_build_object(
                'state', 'pending', 'reason', %(reason)s::text
            )),
            (2, 'attempt', jsonb_build_object(
                'number', again.attempt, 'reason', %(reason)s::text
            ))
    ) AS event (place, type, data)
    ORDER BY again.seq, event.place
)
SELECT * FROM again ORDER BY seq

-- set_open: Say how many children of a locked parent have not ended.
UPDATE ktrdr.operations
SET n_open_children = %(n_open)s,
    progress = jsonb_build_object(
        'phase', 'children', 'unit', 'children', 'at', now(),
        'done', n_children - %(n_open)s, 'total', n_children
    )
WHERE id = %(parent)s
RETURNING *
