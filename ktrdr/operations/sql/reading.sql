-- get: One operation.
SELECT * FROM ktrdr.operations WHERE id = %(operation)s

-- find_by_prefix: Up to a few operations whose ids begin so.
SELECT id FROM ktrdr.operations
WHERE starts_with(id, %(prefix)s)
ORDER BY seq DESC
LIMIT 4

-- attempts: All attempts at an operation.
SELECT number, worker, started_at, ended_at, outcome, error
FROM ktrdr.attempts
WHERE operation_id = %(operation)s
ORDER BY number

-- page: Operations that fit, newest first.
SELECT * FROM ktrdr.operations
WHERE (%(before)s::bigint IS NULL OR seq < %(before)s)
  AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s))
  AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s))
  AND (%(parent)s::text IS NULL OR parent_id = %(parent)s)
  AND (%(with_children)s OR parent_id IS NULL)
  AND (%(created_by)s::text IS NULL OR created_by = %(created_by)s)
ORDER BY seq DESC
LIMIT %(limit)s

-- events: What happened to an operation after an event.
SELECT id, operation_id, attempt, at, type, data
FROM ktrdr.events
WHERE operation_id = %(operation)s AND id > %(after)s
ORDER BY id
LIMIT %(limit)s

-- count_operations: How many of each kind are in each state.
SELECT kind, state, count(*) AS n
FROM ktrdr.operations
GROUP BY kind, state
ORDER BY kind, state

-- count_queues: How many jobs wait in each queue, and for how long the oldest does.
-- A job that is put off waits from the moment it is due.
WITH waiting AS (
    SELECT queue_name, count(*) AS n,
        min(id) FILTER (WHERE scheduled_at IS NULL OR scheduled_at <= now()) AS oldest
    FROM procrastinate_jobs
    WHERE status = 'todo'
    GROUP BY queue_name
)
SELECT waiting.queue_name AS queue, waiting.n, coalesce(extract(
    epoch FROM now() - coalesce(job.scheduled_at, (
        SELECT min(at) FROM procrastinate_events WHERE job_id = job.id
    ))
), 0)::float AS oldest_s
FROM waiting
LEFT JOIN procrastinate_jobs AS job ON job.id = waiting.oldest
ORDER BY queue

-- count_workers: How many workers of each kind are in each state.
-- One that is refused ends and is started again by its engine within a minute or so.
-- Silent for longer, it is gone: a rollout has put another in its place.
SELECT kind, state, count(*) AS n
FROM ktrdr.workers
WHERE state <> 'refused' OR heartbeat_at > now() - interval '5 minutes'
GROUP BY kind, state
ORDER BY kind, state
