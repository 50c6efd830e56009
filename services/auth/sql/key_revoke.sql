UPDATE api_keys
SET revoked_at = $2::timestamptz
WHERE id = $1::text AND revoked_at IS NULL
RETURNING id, tenant_id, name, created_at, revoked_at
