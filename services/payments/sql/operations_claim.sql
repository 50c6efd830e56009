-- What was taken under the lease $3. What is ready will be sent; everything else was sent before
-- and is only asked about.
WITH taken AS (
    SELECT q.tenant_id, q.id, q.due_at, q.lease_until, q.queries
    FROM unnest($1::text[]) AS k(id)
    CROSS JOIN LATERAL (
        SELECT * FROM operations_queue d
        WHERE d.id = k.id AND d.lease_until = $3::timestamptz
        OFFSET 0
    ) q
), sent AS (
    UPDATE operations o
    SET status = 'sent', sent_at = $2::timestamptz, attempts = o.attempts + 1
    FROM taken t
    WHERE o.tenant_id = t.tenant_id AND o.id = t.id AND o.status = 'ready'
    RETURNING o.*, t.queries, t.lease_until, t.due_at
), attempt AS (
    INSERT INTO operation_attempts (tenant_id, operation_id, attempt, sent_at)
    SELECT s.tenant_id, s.id, s.attempts, $2 FROM sent s
)
SELECT
    s.tenant_id, s.id, s.payment_id, s.kind, s.refund_id, s.amount, s.currency, s.provider,
    s.status, s.accepted, s.acting, s.attempts, s.queries, s.revision, s.lease_until, s.sent_at,
    s.due_at, s.deadline_at, s.created_at, s.finished_at, s.error_code, s.error_message,
    s.request_id, s.traceparent,
    true, s.provider_token, p.card_token, p.method, p.vpa, p.capture, p.charge_operation_id
FROM sent s
JOIN payments p ON p.tenant_id = s.tenant_id AND p.id = s.payment_id
UNION ALL
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, t.queries, o.revision, t.lease_until, o.sent_at,
    t.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent,
    false, o.provider_token, p.card_token, p.method, p.vpa, p.capture, p.charge_operation_id
FROM taken t
JOIN operations o ON o.tenant_id = t.tenant_id AND o.id = t.id AND o.status <> 'ready'
JOIN payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id
