-- What a key did and the answer to replay. Not partitioned by time: the key must be unique over all of it.
CREATE TABLE idempotency_keys (
    tenant_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    method text NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    http_status integer NOT NULL,
    answer bytea,                    -- NULL: still running
    sealed boolean NOT NULL,         -- the answer is encrypted by its writer
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
) WITH (fillfactor = 90);
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

-- Append-only. The id carries its time, so months are ranges of ids. xid is the transaction that wrote the
-- row: readers go by it, up to the oldest transaction still open, because ids and clocks say nothing about
-- the order of commits.
CREATE TABLE events (
    id text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL,
    request_id text NOT NULL,
    traceparent text NOT NULL,
    body bytea NOT NULL,
    payload bytea NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX events_xid ON events (xid, id);
CREATE TABLE events_default PARTITION OF events DEFAULT;

-- What the bus has not acknowledged yet. Rows live for milliseconds, so it is vacuumed early and often.
CREATE TABLE outbox (
    event_id text COLLATE "C" PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE consumed (
    consumer text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX consumed_taken_at ON consumed (taken_at);

CREATE TABLE consumer_cursors (
    consumer text COLLATE "C" PRIMARY KEY,
    cursor text NOT NULL
);

-- Append-only, in months like events.
CREATE TABLE audit_log (
    id text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    request_id text NOT NULL,
    before json,
    after json,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);
CREATE INDEX audit_log_object ON audit_log (object_id, id);
CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;

-- Makes table parent's partition `name` for ids from `low` up to `high`, unless it is there. False when it
-- can't be made because the default partition holds rows of that range already: they stay where they are.
-- The lock keeps replicas that start together from making it twice.
CREATE FUNCTION journal_partition_make(parent text, name text, low text, high text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass(quote_ident(name)) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('obol.partition.' || current_schema || '.' || parent, 0));
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                   name, parent, low, high);
    RETURN true;
EXCEPTION WHEN check_violation THEN
    RETURN false;
END $$;

-- Drops parent's monthly partitions that come before `oldest` (their names sort by month); how many.
CREATE FUNCTION journal_partitions_drop(parent text, oldest text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    partition text;
    dropped bigint := 0;
BEGIN
    FOR partition IN
        SELECT c.relname::text
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(quote_ident(parent))
          AND c.relname::text ~ ('^' || parent || '_[0-9]{6}$')
          AND c.relname::text COLLATE "C" < oldest
        ORDER BY 1
    LOOP
        EXECUTE format('DROP TABLE %I', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
