-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, t.tenant_id || '/' || t.id, CASE WHEN get_byte(t.old_secret_sealed, 1) <> $1::bigint THEN t.old_secret_sealed END
FROM endpoints t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4
