INSERT INTO tenants (id, name, created_at, rate_per_min)
VALUES ($1::text, $2::text, $3::timestamptz, nullif($4::bigint, -1))
ON CONFLICT (id) DO NOTHING
RETURNING id
