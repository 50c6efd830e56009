-- One payment at a time: who finds the order taken or paid gets no row. The rows are locked in
-- the order
-- of their keys, and judged again after the wait.
WITH wanted AS (
    SELECT o.tenant_id, o.id, k.payment_id
    FROM unnest($1::text[], $2::text[], $3::text[]) AS k(tenant_id, id, payment_id)
    JOIN orders o ON o.tenant_id = k.tenant_id AND o.id = k.id
    WHERE o.active_payment_id IS NULL AND o.status <> 'paid'
    ORDER BY o.tenant_id, o.id
    FOR NO KEY UPDATE OF o
)
UPDATE orders o
SET active_payment_id = w.payment_id, status = 'attempted'
FROM wanted w
WHERE o.tenant_id = w.tenant_id AND o.id = w.id
RETURNING o.tenant_id, o.id
