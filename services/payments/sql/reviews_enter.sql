INSERT INTO reviews (tenant_id, payment_id, refund_id, reason, since)
SELECT u.tenant_id, u.payment_id, u.refund_id, coalesce(u.reason, 'outcome_unknown'),
    $5::timestamptz
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    AS u(tenant_id, payment_id, refund_id, reason)
ON CONFLICT DO NOTHING
