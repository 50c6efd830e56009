SELECT tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives
FROM refunds
WHERE tenant_id = $1 AND id < $2 AND id >= $3 AND id < $4 AND status <> 'reserving'
  AND ($5::text IS NULL OR payment_id = $5) AND ($6::text IS NULL OR status = $6)
ORDER BY id DESC
LIMIT $7
