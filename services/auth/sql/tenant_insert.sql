INSERT INTO tenants (id, name, test_mode, created_at, rate_per_min)
VALUES ($1::text, $2::text, $3::boolean, $4::timestamptz, nullif($5::bigint, -1))
ON CONFLICT (id) DO NOTHING
RETURNING id
