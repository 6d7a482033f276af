-- claim: Begin the attempt; asked again by the same worker, nothing changes.
-- A parent is running from its first child's claim on, without a worker until the
-- job of its own is claimed.
WITH claimed AS (
    UPDATE ktrdr.operations
    SET state = 'running',
        worker = %(worker)s,
        heartbeat_at = now(),
        started_at = coalesce(started_at, now())
    WHERE id = %(operation)s
      AND attempt = %(attempt)s
      AND n_open_children = 0
      AND (
          worker IS NULL AND state IN ('pending', 'running')
          OR worker = %(worker)s AND state = 'running'
      )
    RETURNING *
), begun AS (
    INSERT INTO ktrdr.attempts (operation_id, number, worker)
    SELECT id, attempt, worker FROM claimed
    ON CONFLICT DO NOTHING
    RETURNING operation_id, number, worker
), told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT operation_id, number, 'state',
        jsonb_build_object('state', 'running', 'worker', worker)
    FROM begun
), parent AS (
    UPDATE ktrdr.operations AS parent
    SET state = 'running', started_at = coalesce(parent.started_at, now())
    FROM claimed
    WHERE parent.id = claimed.parent_id AND parent.state = 'pending'
    RETURNING parent.id, parent.attempt
), parent_told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT id, attempt, 'state', jsonb_build_object('state', 'running') FROM parent
)
SELECT * FROM claimed

-- heartbeat: Tell that the attempt lives, and its progress if there is any.
WITH alive AS (
    UPDATE ktrdr.operations
    SET heartbeat_at = now(), progress = coalesce(%(progress)s::jsonb, progress)
    WHERE id = %(operation)s
      AND attempt = %(attempt)s
      AND state IN ('running', 'cancelling')
      AND worker IS NOT NULL
    RETURNING id, state
)
SELECT state, (
    SELECT pg_notify('ktrdr_operations', id) WHERE %(progress)s::jsonb IS NOT NULL
) FROM alive

-- record: Keep an event.
-- The update takes the row's lock first, so an operation's events are committed in
-- the order of their ids and no follower misses one.
WITH alive AS (
    UPDATE ktrdr.operations
    SET heartbeat_at = now()
    WHERE id = %(operation)s
      AND attempt = %(attempt)s
      AND state IN ('running', 'cancelling')
      AND worker IS NOT NULL
    RETURNING id, attempt
)
INSERT INTO ktrdr.events (operation_id, attempt, type, data)
SELECT id, attempt, %(type)s, %(data)s FROM alive
RETURNING id

-- checkpoint: Note the newest checkpoint of one network.
WITH alive AS (
    UPDATE ktrdr.operations
    SET heartbeat_at = now(),
        checkpoints = checkpoints
            || jsonb_build_object(%(name)s::text, %(digest)s::text)
    WHERE id = %(operation)s
      AND attempt = %(attempt)s
      AND state IN ('running', 'cancelling')
      AND worker IS NOT NULL
    RETURNING id, attempt
)
INSERT INTO ktrdr.events (operation_id, attempt, type, data)
SELECT id, attempt, 'checkpoint',
    jsonb_build_object('name', %(name)s::text, 'digest', %(digest)s::text)
FROM alive
RETURNING id

-- complete: End an operation that is nobody's child, in one round trip.
-- A child's end changes its parent too, see the module that counts children.
WITH ended AS (
    UPDATE ktrdr.operations
    SET state = 'completed', result = %(result)s, finished_at = now()
    WHERE id = %(operation)s
      AND attempt = %(attempt)s
      AND state IN ('running', 'cancelling')
      AND worker IS NOT NULL
      AND parent_id IS NULL
    RETURNING id, attempt, worker
), closed AS (
    UPDATE ktrdr.attempts
    SET ended_at = now(), outcome = 'completed'
    FROM ended
    WHERE operation_id = ended.id AND number = ended.attempt
)
INSERT INTO ktrdr.events (operation_id, attempt, type, data)
SELECT id, attempt, 'state',
    jsonb_build_object('state', 'completed', 'worker', worker)
FROM ended
RETURNING id

-- lock_held: Lock the operation if the attempt may write about it.
SELECT * FROM ktrdr.operations
WHERE id = %(operation)s
  AND attempt = %(attempt)s
  AND state IN ('running', 'cancelling')
  AND worker IS NOT NULL
FOR NO KEY UPDATE

-- current: Which attempt is current, and how its operation is.
SELECT attempt, state, worker FROM ktrdr.operations WHERE id = %(operation)s
