-- The daily job's row of a credential and day is there once.
INSERT INTO reconciliations (tenant_id, id, provider, credential_id, day, source, daily, matched,
    missing_here, missing_there, amounts_differ, statuses_differ, left_over, created_at,
    until_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text::date, $6::text, $7::boolean, $8::bigint,
    $9::bigint, $10::bigint, $11::bigint, $12::bigint, $13::text[], $14::timestamptz,
    $15::timestamptz)
ON CONFLICT DO NOTHING
RETURNING id
