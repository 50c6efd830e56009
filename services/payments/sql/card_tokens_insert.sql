INSERT INTO card_tokens (tenant_id, id, provider, provider_token, brand, last4, expiry_month,
    expiry_year, fingerprint, created_at, expires_at, credential_id)
VALUES ($1::text, $2::text, $3::text, $4::bytea, $5::text, $6::text, $7::bigint, $8::bigint,
    $9::bytea, $10::timestamptz, $11::timestamptz, $12::text)
ON CONFLICT (tenant_id, id) DO NOTHING
