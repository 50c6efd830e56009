SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, q.queries, o.revision, q.lease_until, o.sent_at,
    q.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, q.lease_ms
FROM unnest($1::text[], $2::text[]) AS k(tenant_id, refund_id)
JOIN operations o ON o.tenant_id = k.tenant_id AND o.refund_id = k.refund_id
LEFT JOIN operations_queue q ON q.id = o.id
