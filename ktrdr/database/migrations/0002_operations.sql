-- Operations, their attempts and events, the workers that do them, tokens.
CREATE SCHEMA IF NOT EXISTS ktrdr;

CREATE TABLE ktrdr.operations (
    id text PRIMARY KEY,
    -- Order of creation; cursors page by it.
    seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL,
    title text NOT NULL,
    queue text NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    state text NOT NULL CHECK (state IN (
        'pending', 'running', 'cancelling',
        'completed', 'failed', 'cancelled', 'dead_letter'
    )),
    request jsonb NOT NULL,
    -- The fencing token: only the attempt of this number may write.
    attempt integer NOT NULL DEFAULT 1,
    -- Attempts that ended by a crash or by an error that may pass; not those that
    -- were handed back in good order.
    failures integer NOT NULL DEFAULT 0,
    max_failures integer NOT NULL,
    -- The queue's job of this attempt; NULL while children are under way.
    job_id bigint,
    parent_id text REFERENCES ktrdr.operations ON DELETE CASCADE,
    n_children integer NOT NULL DEFAULT 0,
    n_open_children integer NOT NULL DEFAULT 0 CHECK (n_open_children >= 0),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    heartbeat_at timestamptz,
    worker text,
    progress jsonb,
    -- Name of each network to digest of its newest checkpoint.
    checkpoints jsonb NOT NULL DEFAULT '{}',
    result jsonb,
    error jsonb,
    idempotency_key text,
    request_digest text NOT NULL,
    UNIQUE (created_by, idempotency_key)
);
CREATE INDEX operations_state ON ktrdr.operations (state, seq);
CREATE INDEX operations_kind ON ktrdr.operations (kind, seq);
CREATE INDEX operations_parent ON ktrdr.operations (parent_id, seq)
    WHERE parent_id IS NOT NULL;
CREATE INDEX operations_job ON ktrdr.operations (job_id);

CREATE TABLE ktrdr.attempts (
    operation_id text NOT NULL REFERENCES ktrdr.operations ON DELETE CASCADE,
    number integer NOT NULL,
    worker text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    -- completed, failed, cancelled, handed_back, lost
    outcome text,
    error jsonb,
    PRIMARY KEY (operation_id, number)
);

CREATE TABLE ktrdr.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id text NOT NULL REFERENCES ktrdr.operations ON DELETE CASCADE,
    attempt integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    type text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX events_operation ON ktrdr.events (operation_id, id);

CREATE TABLE ktrdr.workers (
    name text PRIMARY KEY,
    kind text NOT NULL,
    device text NOT NULL,
    queues text[] NOT NULL,
    concurrency integer NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    port integer,
    build jsonb NOT NULL,
    -- starting, ready, draining, stopped, refused
    state text NOT NULL,
    reason text,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
);

-- The build that the backend runs: what workers must be compatible with.
CREATE TABLE ktrdr.backend (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    build jsonb NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ktrdr.tokens (
    id text PRIMARY KEY,
    name text NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    -- SHA-256 of a secret of 256 random bits, which needs no slow hash.
    secret_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE ktrdr.sessions (
    secret_hash bytea PRIMARY KEY,
    token_id text NOT NULL REFERENCES ktrdr.tokens ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

-- Whoever follows an operation is told its id. Progress alone is told by the
-- program, which knows how often that is worth it.
CREATE FUNCTION ktrdr.tell_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ktrdr_operations', NEW.operation_id);
    RETURN NULL;
END;
$$;
CREATE TRIGGER tell_event AFTER INSERT ON ktrdr.events
    FOR EACH ROW EXECUTE FUNCTION ktrdr.tell_event();
