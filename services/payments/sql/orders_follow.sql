-- Orders follow their payments: paid, or free for another try.
WITH wanted AS (
    SELECT o.tenant_id, o.id, k.payment_id, k.paid
    FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) AS k(tenant_id, id, payment_id,
        paid)
    JOIN orders o ON o.tenant_id = k.tenant_id AND o.id = k.id
    WHERE NOT o.reusable AND (k.paid OR o.active_payment_id = k.payment_id)
    ORDER BY o.tenant_id, o.id
    FOR NO KEY UPDATE OF o
)
UPDATE orders o
SET status = CASE WHEN w.paid THEN 'paid' ELSE o.status END,
    active_payment_id = CASE WHEN o.active_payment_id = w.payment_id THEN NULL ELSE
            o.active_payment_id END
FROM wanted w
WHERE o.tenant_id = w.tenant_id AND o.id = w.id
