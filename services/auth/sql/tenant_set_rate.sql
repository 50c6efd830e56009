UPDATE tenants
SET rate_per_min = nullif($2::bigint, -1)
WHERE id = $1::text
RETURNING id, name, created_at, coalesce(rate_per_min, -1)
