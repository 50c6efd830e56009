-- Which of these refunds have an operation.
SELECT o.refund_id
FROM unnest($1::text[], $2::text[]) AS k(tenant_id, id)
JOIN operations o ON o.tenant_id = k.tenant_id AND o.refund_id = k.id
