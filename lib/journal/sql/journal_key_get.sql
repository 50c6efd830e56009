SELECT object_id, answer IS NULL, http_status, created_at, expires_at
FROM idempotency_keys
WHERE tenant_id = $1 AND key = $2 AND expires_at > $3
