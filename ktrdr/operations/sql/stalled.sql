-- survey: Find what nobody works on although it has not ended; note lost workers.
-- Rows with an operation need a new attempt; rows without are jobs to be closed.
-- Silence while the server was down says nothing about anybody, so it counts from
-- the server's start at the earliest.
WITH bound AS MATERIALIZED (
    SELECT now() - make_interval(secs => %(silent_for_s)s) AS at
    WHERE pg_postmaster_start_time()
        < now() - make_interval(secs => %(silent_for_s)s)
), lost AS (
    UPDATE ktrdr.workers
    SET state = 'lost'
    FROM bound
    WHERE heartbeat_at < bound.at AND state IN ('starting', 'ready', 'draining')
)
(
    SELECT operation.id AS operation, operation.attempt, job.id AS job
    FROM bound
    CROSS JOIN ktrdr.operations AS operation
    LEFT JOIN procrastinate_jobs AS job
        ON job.id = operation.job_id AND job.status IN ('todo', 'doing')
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE operation.state IN ('pending', 'running', 'cancelling')
      AND operation.n_open_children = 0
      AND CASE
          WHEN operation.worker IS NOT NULL
              THEN operation.heartbeat_at < bound.at
          WHEN job.id IS NULL
              THEN greatest(operation.created_at, operation.heartbeat_at) < bound.at
          WHEN job.status = 'todo'
              THEN false
          -- Fetched and never claimed: by a worker that is gone, or by one that
          -- lost the database in between.
          ELSE worker.id IS NULL
              OR worker.last_heartbeat < bound.at
              OR bound.at > (
                  SELECT max(event.at) FROM procrastinate_events AS event
                  WHERE event.job_id = job.id AND event.type = 'started'
              )
      END
    ORDER BY operation.seq
    LIMIT %(limit)s
)
UNION ALL
(
    SELECT NULL, NULL, job.id
    FROM bound
    CROSS JOIN procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    LEFT JOIN ktrdr.operations AS operation
        ON operation.id = job.args ->> 'operation'
        AND operation.job_id = job.id
        AND operation.state IN ('pending', 'running', 'cancelling')
    WHERE job.status = 'doing'
      AND job.task_name = %(task)s
      AND (worker.id IS NULL OR worker.last_heartbeat < bound.at)
      AND operation.id IS NULL
    ORDER BY job.id
    LIMIT %(limit)s
)

-- lock_stalled: Lock an operation that was found, if it is still as it was found.
SELECT * FROM ktrdr.operations
WHERE id = %(operation)s
  AND attempt = %(attempt)s
  AND state IN ('pending', 'running', 'cancelling')
  AND n_open_children = 0
  AND (
      worker IS NULL
      OR heartbeat_at < now() - make_interval(secs => %(silent_for_s)s)
  )
FOR NO KEY UPDATE SKIP LOCKED
