UPDATE idempotency_keys SET answer = $4
WHERE tenant_id = $1 AND key = $2 AND object_id = $3
