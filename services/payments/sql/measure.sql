-- Each count to 10,001. A row of unknown_payments whose payment has come to an end was left by a program that did not
-- know the table (the version before, in an upgrade): it counts no more. What is due is found tenant by tenant, as the
-- processor finds it; what a processor is at is not due.
WITH RECURSIVE tenants AS (
    (SELECT q.tenant_id FROM operations_queue q ORDER BY q.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.tenant_id FROM operations_queue q
        WHERE q.tenant_id > t.tenant_id ORDER BY q.tenant_id LIMIT 1)
    FROM tenants t
    WHERE t.tenant_id IS NOT NULL
), due AS (
    SELECT q.due_at
    FROM tenants t
    CROSS JOIN LATERAL (
        SELECT d.due_at
        FROM operations_queue d
        WHERE d.tenant_id = t.tenant_id AND d.due_at <= now()
            AND (d.lease_until IS NULL OR d.lease_until <= now())
        ORDER BY d.due_at
        LIMIT 10001
    ) q
    WHERE t.tenant_id IS NOT NULL
    LIMIT 10001
), unknown AS (
    SELECT u.since
    FROM (SELECT * FROM unknown_payments ORDER BY since LIMIT 10001) u
    CROSS JOIN LATERAL (
        SELECT FROM payments p
        WHERE p.tenant_id = u.tenant_id AND p.id = u.payment_id AND p.status = 'unknown'
        OFFSET 0
    ) p
), waiting AS (
    SELECT count(*) FILTER (WHERE r.refund_id = '') AS payments,
        count(*) FILTER (WHERE r.refund_id <> '') AS refunds
    FROM (SELECT refund_id FROM reviews LIMIT 10001) r
)
SELECT (SELECT count(*) FROM unknown), (SELECT min(since) FROM unknown),
    (SELECT payments FROM waiting), (SELECT refunds FROM waiting),
    (SELECT count(*) FROM due), (SELECT min(due_at) FROM due)
