-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'personal:' || t.tenant_id || '/' || t.id, CASE WHEN get_byte(t.personal, 1) <> $1::bigint THEN t.personal END
FROM payments t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4
