SELECT
    o.tenant_id, o.id, o.amount, o.currency, o.receipt, o.notes::text, o.status, o.reusable,
    o.active_payment_id, o.created_at,
    k.place
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(tenant_id, id, place)
JOIN orders o ON o.tenant_id = k.tenant_id AND o.id = k.id
ORDER BY k.place
