INSERT INTO orders (tenant_id, id, amount, currency, receipt, notes, reusable, created_at)
VALUES ($1::text, $2::text, $3::bigint, $4::text, $5::text, $6::text::json, $7::boolean,
    $8::timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING
