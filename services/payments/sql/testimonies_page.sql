-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'testimony:' || t.id, CASE WHEN get_byte(t.testimony, 0) <> 1 OR get_byte(t.testimony, 1) <> $1::bigint THEN t.testimony END
FROM operations t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4
