DELETE FROM reviews r
USING unnest($1::text[], $2::text[], $3::text[]) AS u(tenant_id, payment_id, refund_id)
WHERE r.tenant_id = u.tenant_id AND r.payment_id = u.payment_id AND r.refund_id = u.refund_id
