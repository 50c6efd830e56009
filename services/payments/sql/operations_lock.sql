-- Those that are open still. The queue's row before the operation's, as everywhere, and by id, as
-- callbacks do: so nobody waits crosswise.
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, q.queries, o.revision, q.lease_until, o.sent_at,
    q.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, q.lease_ms
FROM (SELECT k.id FROM unnest($1::text[]) AS k(id) ORDER BY k.id COLLATE "C") AS k
CROSS JOIN LATERAL (SELECT * FROM operations_queue d WHERE d.id = k.id FOR UPDATE) q
JOIN operations o ON o.tenant_id = q.tenant_id AND o.id = q.id
ORDER BY o.id, o.tenant_id
FOR UPDATE OF o
