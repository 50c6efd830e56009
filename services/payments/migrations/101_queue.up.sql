-- What is to be looked at stands beside the operations, as the outbox stands beside the events: a
-- narrow row that is there while the operation is open. So the wide row changes only when something
-- has happened, in place, and what is finished leaves nothing behind.
CREATE TABLE operations_queue (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,        -- the operation's
    due_at timestamptz NOT NULL,         -- when to look at it next
    lease_until timestamptz,             -- a processor is at it
    queries bigint NOT NULL DEFAULT 0,   -- claims since its state changed
    rung boolean NOT NULL DEFAULT false, -- the provider had news while a processor was at it
    PRIMARY KEY (id, tenant_id)          -- a callback names the reference alone
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- A claim moves no due_at and so touches no index.
CREATE INDEX operations_queue_due ON operations_queue (tenant_id, due_at);

INSERT INTO operations_queue (tenant_id, id, due_at, lease_until, queries, rung)
SELECT tenant_id, id, due_at, lease_until, queries, coalesce(due_at < lease_until, false)
FROM operations
WHERE due_at IS NOT NULL;

DROP INDEX operations_due;
DROP INDEX operations_callback;
DROP INDEX operations_one_live;
ALTER TABLE operations DROP COLUMN due_at, DROP COLUMN lease_until, DROP COLUMN queries,
    SET (fillfactor = 50);
-- No index has a column that changes before the operation is finished.
CREATE UNIQUE INDEX operations_one_live ON operations (tenant_id, payment_id)
    WHERE kind IN ('charge', 'capture', 'cancel') AND finished_at IS NULL;

-- An attempt is written twice as well.
ALTER TABLE operation_attempts SET (fillfactor = 50);
