-- Takes what is due, at most $3 of a tenant and $4 in all, beginning after tenant $2, the oldest
-- first.
-- What is ready will be sent; everything else was sent before and is only asked about.
WITH RECURSIVE tenants AS (
    (SELECT o.tenant_id FROM operations o WHERE o.due_at IS NOT NULL ORDER BY o.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.tenant_id FROM operations o
        WHERE o.due_at IS NOT NULL AND o.tenant_id > t.tenant_id ORDER BY o.tenant_id LIMIT 1)
    FROM tenants t
    WHERE t.tenant_id IS NOT NULL
), turn AS (
    SELECT t.tenant_id FROM tenants t WHERE t.tenant_id IS NOT NULL
    ORDER BY t.tenant_id <= $2::text, t.tenant_id
), picked AS (
    SELECT o.tenant_id, o.id, o.status
    FROM turn t
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id, d.status
        FROM operations d
        WHERE d.tenant_id = t.tenant_id AND d.due_at <= $1::timestamptz
            AND (d.lease_until IS NULL OR d.lease_until <= $1)
        ORDER BY d.due_at
        LIMIT $3::bigint
        FOR UPDATE SKIP LOCKED
    ) o
    LIMIT $4::bigint
), claimed AS (
    UPDATE operations o
    SET status = CASE WHEN p.status = 'ready' THEN 'sent' ELSE o.status END,
        sent_at = CASE WHEN p.status = 'ready' THEN $1 ELSE o.sent_at END,
        attempts = o.attempts + (p.status = 'ready')::int,
        queries = CASE WHEN p.status = 'ready' THEN 0 ELSE o.queries + 1 END,
        lease_until = $5::timestamptz, due_at = $5
    FROM picked p
    WHERE o.tenant_id = p.tenant_id AND o.id = p.id
    RETURNING o.*, p.status AS was
), attempt AS (
    INSERT INTO operation_attempts (tenant_id, operation_id, attempt, sent_at)
    SELECT c.tenant_id, c.id, c.attempts, $1 FROM claimed c WHERE c.was = 'ready'
)
SELECT
    c.tenant_id, c.id, c.payment_id, c.kind, c.refund_id, c.amount, c.currency, c.provider,
    c.status, c.accepted, c.acting, c.attempts, c.queries, c.revision, c.lease_until, c.sent_at,
    c.due_at, c.deadline_at, c.created_at, c.finished_at, c.error_code, c.error_message,
    c.request_id, c.traceparent,
    c.was, c.provider_token, p.card_token, p.method, p.vpa, p.capture, p.charge_operation_id
FROM claimed c
JOIN payments p ON p.tenant_id = c.tenant_id AND p.id = c.payment_id
