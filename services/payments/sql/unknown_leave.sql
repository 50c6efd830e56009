DELETE FROM unknown_payments r
USING unnest($1::text[], $2::text[]) AS u(tenant_id, payment_id)
WHERE r.tenant_id = u.tenant_id AND r.payment_id = u.payment_id
