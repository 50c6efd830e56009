-- Leases what is due and free, each for as long as its provider may take ($5 milliseconds where the
-- row doesn't say): at most $3 of a tenant and $4 in all, beginning after
-- tenant $2, the oldest first.
-- The queue is empty at times, and a plan made then must not be a bad one later: so its rows are
-- reached by id alone from a LATERAL that stays as it is, and changed by their place.
WITH RECURSIVE tenants AS (
    (SELECT q.tenant_id FROM operations_queue q ORDER BY q.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.tenant_id FROM operations_queue q
        WHERE q.tenant_id > t.tenant_id ORDER BY q.tenant_id LIMIT 1)
    FROM tenants t
    WHERE t.tenant_id IS NOT NULL
), turn AS (
    SELECT t.tenant_id FROM tenants t WHERE t.tenant_id IS NOT NULL
    ORDER BY t.tenant_id <= $2::text, t.tenant_id
), picked AS (
    SELECT o.place
    FROM turn t
    CROSS JOIN LATERAL (
        SELECT d.ctid AS place
        FROM operations_queue d
        WHERE d.tenant_id = t.tenant_id AND d.due_at <= $1::timestamptz
            AND (d.lease_until IS NULL OR d.lease_until <= $1)
        ORDER BY d.due_at
        LIMIT $3::bigint
        FOR UPDATE SKIP LOCKED
    ) o
    LIMIT $4::bigint
)
UPDATE operations_queue q
SET lease_until = $1 + coalesce(q.lease_ms, $5::bigint) * interval '1 millisecond',
    queries = q.queries + 1, rung = false, asked_at = $1
FROM picked p
WHERE q.ctid = p.place
RETURNING q.tenant_id, q.id, q.lease_until, q.lease_ms
