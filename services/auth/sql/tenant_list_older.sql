SELECT id, name, created_at, coalesce(rate_per_min, -1)
FROM tenants
WHERE id < $1::text
ORDER BY id DESC
LIMIT $2::bigint
