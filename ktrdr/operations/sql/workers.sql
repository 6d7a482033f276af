-- register: Enter a worker; one that had the name before is gone.
INSERT INTO ktrdr.workers (
    name, kind, device, queues, concurrency, host, pid, port, build, state, reason
)
VALUES (
    %(name)s, %(kind)s, %(device)s, %(queues)s, %(concurrency)s,
    %(host)s, %(pid)s, %(port)s, %(build)s, %(state)s, %(reason)s
)
ON CONFLICT (name) DO UPDATE SET
    kind = excluded.kind,
    device = excluded.device,
    queues = excluded.queues,
    concurrency = excluded.concurrency,
    host = excluded.host,
    pid = excluded.pid,
    port = excluded.port,
    build = excluded.build,
    state = excluded.state,
    reason = excluded.reason,
    started_at = now(),
    heartbeat_at = now()

-- heartbeat: Tell that a worker lives; one that was given up is back.
UPDATE ktrdr.workers
SET heartbeat_at = now(),
    state = CASE state WHEN 'lost' THEN 'ready' ELSE state END
WHERE name = %(name)s AND pid = %(pid)s
RETURNING state

-- set_state: Say what a worker does now.
UPDATE ktrdr.workers
SET state = %(state)s, reason = %(reason)s, heartbeat_at = now()
WHERE name = %(name)s AND pid = %(pid)s
RETURNING state

-- list: All workers and the operations that they run.
SELECT worker.*, coalesce(running.ids, '{}') AS running
FROM ktrdr.workers AS worker
LEFT JOIN (
    SELECT worker, array_agg(id ORDER BY seq) AS ids
    FROM ktrdr.operations
    WHERE state IN ('running', 'cancelling') AND worker IS NOT NULL
    GROUP BY worker
) AS running ON running.worker = worker.name
ORDER BY worker.name

-- prune: Forget workers that have been silent for long.
DELETE FROM ktrdr.workers
WHERE heartbeat_at < now() - make_interval(secs => %(older_s)s)

-- announce_backend: Say which build the backend runs.
INSERT INTO ktrdr.backend (build) VALUES (%(build)s)
ON CONFLICT (only_one) DO UPDATE SET build = excluded.build, started_at = now()

-- backend_build: The build of the backend that started last.
SELECT build FROM ktrdr.backend
