SELECT id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id, traceparent, body,
       payload
FROM outbox JOIN events ON events.id = outbox.event_id
ORDER BY outbox.event_id
LIMIT $1
FOR UPDATE OF outbox SKIP LOCKED
