-- Only what no processor has taken: a claim commits before anything is sent; and nothing doubtful.
-- Where no row changes, the caller rolls back.
WITH gone AS (
    DELETE FROM operations_queue q
    USING operations o
    WHERE q.id = $3::text AND q.lease_until IS NULL
        AND o.tenant_id = $1::text AND o.id = q.id AND o.status = 'ready' AND NOT o.doubtful
    RETURNING q.tenant_id, q.id
)
UPDATE operations o
SET status = 'released', finished_at = $4::timestamptz, revision = o.revision + 1
FROM gone g
WHERE o.tenant_id = g.tenant_id AND o.payment_id = $2::text AND o.id = g.id
    AND o.status = 'ready' AND o.attempts = 0
