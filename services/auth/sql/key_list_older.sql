SELECT id, tenant_id, name, created_at, revoked_at
FROM api_keys
WHERE tenant_id = $1::text AND id < $2::text
ORDER BY id DESC
LIMIT $3::bigint
