-- The act that is under way of each payment ($2, of tenant $1) is due now, unless a processor is at
-- it or it was asked about since $4. What another holds is being seen to: nobody waits here.
WITH open AS (
    SELECT q.tenant_id, q.id
    FROM unnest($1::text[], $2::text[]) AS k(tenant_id, payment_id)
    CROSS JOIN LATERAL (
        SELECT a.tenant_id, a.id
        FROM operations a
        WHERE a.tenant_id = k.tenant_id AND a.payment_id = k.payment_id
            AND a.kind IN ('charge', 'capture', 'cancel') AND a.finished_at IS NULL
            AND a.status IN ('sent', 'unknown')
        LIMIT 1
    ) o
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM operations_queue d
        WHERE d.id = o.id AND d.tenant_id = o.tenant_id AND d.due_at > $3::timestamptz
            AND (d.lease_until IS NULL OR d.lease_until <= $3)
            AND (d.asked_at IS NULL OR d.asked_at <= $4::timestamptz)
        FOR UPDATE SKIP LOCKED
    ) q
)
UPDATE operations_queue q
SET due_at = $3
FROM open p
WHERE q.tenant_id = p.tenant_id AND q.id = p.id
