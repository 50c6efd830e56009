SELECT
    o.tenant_id, o.id, o.amount, o.currency, o.receipt, o.notes::text, o.status, o.reusable,
    o.active_payment_id, o.created_at
FROM orders o
WHERE o.tenant_id = $1::text
    AND ($2::text IS NULL OR (o.created_at, o.id) <
        ((SELECT c.created_at FROM orders c WHERE c.tenant_id = $1 AND c.id = $2), $2))
    AND ($3::text IS NULL OR o.status = $3)
    AND o.created_at >= $4::timestamptz AND o.created_at < $5::timestamptz
ORDER BY o.created_at DESC, o.id DESC
LIMIT $6::bigint
