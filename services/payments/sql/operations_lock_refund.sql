-- The queue's row before the operation's, as everywhere.
WITH queued AS MATERIALIZED (
    SELECT q.queries, q.lease_until, q.due_at, q.lease_ms
    FROM operations k
    JOIN operations_queue q ON q.id = k.id
    WHERE k.tenant_id = $1::text AND k.refund_id = $2::text
    FOR UPDATE OF q
)
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, q.queries, o.revision, q.lease_until, o.sent_at,
    q.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, q.lease_ms
FROM operations o
LEFT JOIN queued q ON true
WHERE o.tenant_id = $1::text AND o.refund_id = $2::text
FOR UPDATE OF o
