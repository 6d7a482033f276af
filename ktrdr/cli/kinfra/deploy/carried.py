"""What a restore keeps of the database it replaces: what somebody took back since."""

# Tokens that were made or revoked, who is logged in, what was cancelled, and how far
# operations are numbered. The tables are locked, so that nobody takes anything back
# between this and the restore.
REMEMBER = """
LOCK TABLE ktrdr.operations, ktrdr.tokens, ktrdr.sessions;
CREATE TEMP TABLE kept_tokens ON COMMIT DROP AS
SELECT id, name, role, secret_hash, created_at, last_used_at, expires_at, revoked_at
FROM ktrdr.tokens;
CREATE TEMP TABLE kept_sessions ON COMMIT DROP AS
SELECT secret_hash, token_id, created_at, expires_at FROM ktrdr.sessions;
CREATE TEMP TABLE kept_cancelled ON COMMIT DROP AS
SELECT id, (
    SELECT max(at) FROM ktrdr.events WHERE operation_id = operations.id
) AS at
FROM ktrdr.operations WHERE state IN ('cancelling', 'cancelled');
CREATE TEMP TABLE kept_number ON COMMIT DROP AS
SELECT last_value FROM pg_sequences
WHERE schemaname = 'ktrdr' AND sequencename = 'operations_seq_seq';
"""

# An operation is not ended here but asked to cancel, as its parent counts those who
# end; the backend ends what nobody works on. One with events since was resumed after
# it was cancelled, and goes on.
# Numbers never come back: by them is told what is newer than another backup.
CARRY_OVER = """
SET LOCAL search_path = ktrdr;
UPDATE tokens SET revoked_at = kept.revoked_at
FROM kept_tokens AS kept
WHERE tokens.id = kept.id AND tokens.revoked_at IS NULL;
INSERT INTO tokens (
    id, name, role, secret_hash, created_at, last_used_at, expires_at, revoked_at
)
SELECT id, name, role, secret_hash, created_at, last_used_at, expires_at, revoked_at
FROM kept_tokens
ON CONFLICT DO NOTHING;
DELETE FROM sessions;
INSERT INTO sessions (secret_hash, token_id, created_at, expires_at)
SELECT secret_hash, token_id, created_at, expires_at FROM kept_sessions
WHERE token_id IN (SELECT id FROM tokens);
WITH asked AS (
    UPDATE operations SET state = 'cancelling'
    FROM kept_cancelled AS kept
    WHERE operations.id = kept.id AND state IN ('pending', 'running')
        AND NOT EXISTS (
            SELECT FROM events WHERE operation_id = kept.id AND events.at >= kept.at
        )
    RETURNING operations.*
), told AS (
    INSERT INTO events (operation_id, attempt, type, data)
    SELECT id, attempt, 'state', jsonb_strip_nulls(jsonb_build_object(
        'state', 'cancelling', 'worker', worker,
        'reason', 'it was cancelled before the database was restored'
    ))
    FROM asked
)
SELECT procrastinate_cancel_job_v1(job_id, true, false) FROM asked;
SELECT setval(
    format('%I.%I', schemaname, sequencename)::regclass,
    greatest(restored.last_value, kept.last_value)
)
FROM kept_number AS kept, pg_sequences AS restored
WHERE kept.last_value IS NOT NULL
    AND schemaname = 'ktrdr' AND sequencename = 'operations_seq_seq';
"""
