-- Those to be looked after, put off before they are handed out so that a second loop takes others.
UPDATE refunds
SET drive_at = now() + make_interval(secs => least(3600, 5 * power(2, least(drives, 12)))), drives = drives + 1
WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM refunds WHERE drive_at <= now()
    ORDER BY drive_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives
