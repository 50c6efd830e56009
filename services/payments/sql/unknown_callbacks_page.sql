-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'callback:' || t.id, CASE WHEN get_byte(t.body, 1) <> $1::bigint THEN t.body END
FROM unknown_callbacks t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4
