-- end: End a locked operation and the attempt at it.
WITH ended AS (
    UPDATE ktrdr.operations
    SET state = %(state)s,
        result = %(result)s,
        error = %(error)s,
        failures = %(failures)s,
        finished_at = now()
    WHERE id = %(operation)s
    RETURNING *
), closed AS (
    UPDATE ktrdr.attempts
    SET ended_at = now(), outcome = %(outcome)s, error = %(attempt_error)s
    FROM ended
    WHERE operation_id = ended.id AND number = ended.attempt AND ended_at IS NULL
), told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT id, attempt, 'state', jsonb_strip_nulls(jsonb_build_object(
        'state', state, 'worker', worker, 'reason', %(reason)s::text
    ))
    FROM ended
)
SELECT * FROM ended

-- begin_again: Give a locked operation a new attempt and tell when that is due.
WITH again AS (
    UPDATE ktrdr.operations
    SET state = 'pending',
        attempt = attempt + 1,
        failures = %(failures)s,
        worker = NULL,
        job_id = NULL,
        error = NULL,
        finished_at = NULL
    WHERE id = %(operation)s
    RETURNING *
), closed AS (
    UPDATE ktrdr.attempts
    SET ended_at = now(), outcome = %(outcome)s, error = %(attempt_error)s
    FROM again
    WHERE operation_id = again.id AND number < again.attempt AND ended_at IS NULL
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
    ORDER BY event.place
)
SELECT *, now() + make_interval(secs => %(delay_s)s) AS due_at FROM again

-- ask_to_cancel: Mark a locked operation; its worker is told through its job.
WITH asked AS (
    UPDATE ktrdr.operations SET state = 'cancelling'
    WHERE id = %(operation)s
    RETURNING *
), told AS (
    INSERT INTO ktrdr.events (operation_id, attempt, type, data)
    SELECT id, attempt, 'state', jsonb_strip_nulls(jsonb_build_object(
        'state', 'cancelling', 'worker', worker
    ))
    FROM asked
)
SELECT * FROM asked

-- lock: Lock an operation.
SELECT * FROM ktrdr.operations WHERE id = %(operation)s FOR NO KEY UPDATE

-- read: Look at an operation without locking it.
SELECT * FROM ktrdr.operations WHERE id = %(operation)s
