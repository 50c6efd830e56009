SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, o.queries, o.revision, o.lease_until, o.sent_at,
    o.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent
FROM operations o
WHERE o.tenant_id = $1::text AND o.refund_id = $2::text
FOR UPDATE
