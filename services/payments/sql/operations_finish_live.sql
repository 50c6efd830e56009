-- What a person has decided about. The queue's row before the operation's, as everywhere.
WITH live AS (
    SELECT o.tenant_id, o.id
    FROM operations o
    WHERE o.tenant_id = $1::text AND o.payment_id = $2::text
        AND o.kind IN ('charge', 'capture', 'cancel') AND o.finished_at IS NULL
), gone AS (
    DELETE FROM operations_queue q
    USING live l
    WHERE q.id = l.id
    RETURNING q.id
)
UPDATE operations o
SET status = $3::text, deadline_at = NULL, acting = false, finished_at = $4::timestamptz,
    provider_reference = coalesce($5::text, o.provider_reference),
    revision = o.revision + 1, error_code = CASE WHEN $3 = 'failed' THEN 'resolved' END
WHERE o.tenant_id = $1 AND o.payment_id = $2 AND o.kind IN ('charge', 'capture', 'cancel')
    AND o.finished_at IS NULL AND (SELECT count(*) FROM gone) >= 0
RETURNING o.kind, o.amount
