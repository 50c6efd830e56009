INSERT INTO refunds (tenant_id, id, payment_id, requested, reason, status, idempotency_key, actor, request_id,
                     traceparent, created_at, drive_at)
VALUES ($1, $2, $3, $4, $5, 'reserving', $6, $7, $8, $9, $10::timestamptz, $11::timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING
