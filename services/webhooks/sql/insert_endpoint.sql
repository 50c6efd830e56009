INSERT INTO endpoints (tenant_id, id, url, events, description, secret_sealed, created_at)
VALUES ($1::text, $2::text, $3::text, $4::text[], $5::text, $6::bytea, $7::timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING
RETURNING id
