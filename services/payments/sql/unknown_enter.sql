INSERT INTO unknown_payments (tenant_id, payment_id, since)
SELECT u.tenant_id, u.payment_id, $3::timestamptz
FROM unnest($1::text[], $2::text[]) AS u(tenant_id, payment_id)
ON CONFLICT DO NOTHING
