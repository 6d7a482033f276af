-- Tokens and the sessions that were opened with them.

-- create_token: Keep a token; no row when the name is taken.
INSERT INTO ktrdr.tokens (id, name, role, secret_hash, expires_at)
VALUES (
    %(id)s, %(name)s, %(role)s, %(secret_hash)s,
    now() + make_interval(days => %(expires_days)s::integer)
)
ON CONFLICT (name) DO NOTHING
RETURNING id, name, role, created_at, last_used_at, expires_at, revoked_at;

-- list_tokens: All tokens, the newest first.
SELECT id, name, role, created_at, last_used_at, expires_at, revoked_at
FROM ktrdr.tokens
ORDER BY created_at DESC, id;

-- revoke_token: Make the token of that id or name invalid; its sessions go with it.
UPDATE ktrdr.tokens
SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(which)s OR name = %(which)s
RETURNING id, name, role, created_at, last_used_at, expires_at, revoked_at;

-- count_tokens: How many are valid.
SELECT count(*) AS n
FROM ktrdr.tokens
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- find_token: The valid token of that hash; notes its use once a minute.
WITH found AS (
    SELECT id, name, role, created_at, last_used_at, expires_at, revoked_at
    FROM ktrdr.tokens
    WHERE secret_hash = %(secret_hash)s AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > now())
), noted AS (
    UPDATE ktrdr.tokens AS token
    SET last_used_at = now()
    FROM found
    WHERE token.id = found.id
        AND (
            found.last_used_at IS NULL
            OR found.last_used_at < now() - interval '1 minute'
        )
)
SELECT * FROM found;

-- open_session: Keep a session of a token, not longer than the token is valid.
INSERT INTO ktrdr.sessions (secret_hash, token_id, expires_at)
SELECT
    %(secret_hash)s, id,
    least(expires_at, now() + make_interval(secs => %(seconds)s))
FROM ktrdr.tokens
WHERE id = %(token_id)s
RETURNING expires_at;

-- find_session: The token of a session, both valid.
SELECT
    token.id, token.name, token.role, token.created_at, token.last_used_at,
    token.expires_at, token.revoked_at
FROM ktrdr.sessions AS session
JOIN ktrdr.tokens AS token ON token.id = session.token_id
WHERE session.secret_hash = %(secret_hash)s AND session.expires_at > now()
    AND token.revoked_at IS NULL
    AND (token.expires_at IS NULL OR token.expires_at > now());

-- close_session: Forget a session.
DELETE FROM ktrdr.sessions WHERE secret_hash = %(secret_hash)s;

-- forget_sessions: Those that are over.
DELETE FROM ktrdr.sessions WHERE expires_at <= now();
