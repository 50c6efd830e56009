-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'event:' || t.id, CASE WHEN t.body <> '' AND (get_byte(t.body, 0) <> 1 OR get_byte(t.body, 1) <> $1::bigint) THEN t.body END
FROM stored_events t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4
