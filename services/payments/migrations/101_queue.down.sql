ALTER TABLE operations ADD COLUMN queries bigint NOT NULL DEFAULT 0,
    ADD COLUMN lease_until timestamptz, ADD COLUMN due_at timestamptz, SET (fillfactor = 80);
UPDATE operations o
SET queries = q.queries, lease_until = q.lease_until,
    due_at = CASE WHEN q.lease_until IS NULL OR q.rung THEN q.due_at ELSE q.lease_until END
FROM operations_queue q
WHERE o.tenant_id = q.tenant_id AND o.id = q.id;
DROP TABLE operations_queue;
DROP INDEX operations_one_live;
CREATE UNIQUE INDEX operations_one_live ON operations (tenant_id, payment_id)
    WHERE kind IN ('charge', 'capture', 'cancel')
        AND status IN ('ready', 'sent', 'unknown', 'needs_review');
CREATE INDEX operations_due ON operations (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX operations_callback ON operations (id) WHERE due_at IS NOT NULL AND status <> 'ready';
ALTER TABLE operation_attempts RESET (fillfactor);
