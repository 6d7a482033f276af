-- link: Note each operation's job.
UPDATE ktrdr.operations
SET job_id = made.job
FROM unnest(%(operations)s::text[], %(jobs)s::bigint[]) AS made (operation, job)
WHERE id = made.operation

-- cancel: Cancel jobs that wait; whoever runs one of the others is told to stop.
SELECT procrastinate_cancel_job_v1(job, true, false)
FROM unnest(%(jobs)s::bigint[]) AS job

-- finish: Close a job whose worker does not, unless somebody has.
WITH unfinished AS MATERIALIZED (
    SELECT id FROM procrastinate_jobs
    WHERE id = %(job)s AND status IN ('todo', 'doing')
    FOR UPDATE SKIP LOCKED
)
SELECT procrastinate_finish_job_v1(id, 'failed', false) FROM unfinished

-- prune: Delete finished jobs about which nothing happened for long.
DELETE FROM procrastinate_jobs
WHERE id IN (
    SELECT id FROM procrastinate_jobs AS job
    WHERE status IN ('succeeded', 'failed', 'cancelled', 'aborted')
      AND NOT EXISTS (
          SELECT FROM procrastinate_events
          WHERE job_id = job.id AND at > now() - make_interval(secs => %(older_s)s)
      )
    FOR UPDATE SKIP LOCKED
)
