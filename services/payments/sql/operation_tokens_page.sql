-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'card_token:' || t.tenant_id || '/' || (
        SELECT p.card_token FROM payments p WHERE p.tenant_id = t.tenant_id AND p.id = t.payment_id),
    CASE WHEN get_byte(t.provider_token, 1) <> $1::bigint THEN t.provider_token END
FROM operations t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4
