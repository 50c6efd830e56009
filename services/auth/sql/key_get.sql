SELECT id, tenant_id, name, created_at, revoked_at
FROM api_keys
WHERE id = $1::text
