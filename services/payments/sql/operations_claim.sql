-- What was taken, each under its lease ($3). What is ready will be sent; everything else was sent
-- before and is only asked about, and what is doubtful may have been.
WITH taken AS (
    SELECT q.tenant_id, q.id, q.due_at, q.lease_until, q.queries, q.lease_ms
    FROM unnest($1::text[], $3::timestamptz[]) AS k(id, lease_until)
    CROSS JOIN LATERAL (
        SELECT * FROM operations_queue d
        WHERE d.id = k.id AND d.lease_until = k.lease_until
        OFFSET 0
    ) q
), sent AS (
    UPDATE operations o
    SET status = 'sent', sent_at = $2::timestamptz, attempts = o.attempts + 1
    FROM taken t
    WHERE o.tenant_id = t.tenant_id AND o.id = t.id AND o.status = 'ready'
    RETURNING o.*, t.queries, t.lease_until, t.due_at, t.lease_ms
), attempt AS (
    INSERT INTO operation_attempts (tenant_id, operation_id, attempt, sent_at)
    SELECT s.tenant_id, s.id, s.attempts, $2 FROM sent s
)
SELECT
    s.tenant_id, s.id, s.payment_id, s.kind, s.refund_id, s.amount, s.currency, s.provider,
    s.status, s.accepted, s.acting, s.attempts, s.queries, s.revision, s.lease_until, s.sent_at,
    s.due_at, s.deadline_at, s.created_at, s.finished_at, s.error_code, s.error_message,
    s.request_id, s.traceparent, s.credential_id, s.provider_reference, s.stage, s.lease_ms,
    NOT s.doubtful, s.provider_token, s.testimony, p.card_token, p.method, p.vpa, p.capture,
    p.charge_operation_id, p.amount, p.msisdn, p.network, p.return_url, p.description,
    p.customer_email, p.customer_phone, p.customer_name, p.status = 'pending',
    CASE WHEN s.kind <> 'charge' THEN (SELECT c.provider_reference FROM operations c
        WHERE c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id) END,
    p.personal, s.doubtful
FROM sent s
JOIN payments p ON p.tenant_id = s.tenant_id AND p.id = s.payment_id
UNION ALL
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, t.queries, o.revision, t.lease_until, o.sent_at,
    t.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, t.lease_ms,
    false, o.provider_token, o.testimony, p.card_token, p.method, p.vpa, p.capture,
    p.charge_operation_id, p.amount, p.msisdn, p.network, p.return_url, p.description,
    p.customer_email, p.customer_phone, p.customer_name, p.status = 'pending',
    CASE WHEN o.kind <> 'charge' THEN (SELECT c.provider_reference FROM operations c
        WHERE c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id) END,
    p.personal, o.doubtful
FROM taken t
JOIN operations o ON o.tenant_id = t.tenant_id AND o.id = t.id AND o.status <> 'ready'
JOIN payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id
