INSERT INTO api_keys (id, tenant_id, name, digest, created_at)
SELECT $1::text, tenants.id, $3::text, $4::bytea, $5::timestamptz
FROM tenants
WHERE tenants.id = $2::text
ON CONFLICT (id) DO NOTHING
RETURNING id
