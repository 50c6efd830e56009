-- For a refund that may still come: a late reserve finds it and is refused.
INSERT INTO operations (tenant_id, id, payment_id, kind, refund_id, amount, currency, provider,
    status,
    created_at, finished_at)
VALUES ($1::text, $2::text, $3::text, 'refund', $4::text, 0, '', '', 'released', $5::timestamptz,
    $5)
ON CONFLICT DO NOTHING
