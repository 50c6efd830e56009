INSERT INTO tenants (id, name, test_mode, created_at)
VALUES ($1::text, $2::text, $3::boolean, $4::timestamptz)
ON CONFLICT (id) DO NOTHING
RETURNING id
