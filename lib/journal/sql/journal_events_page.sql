-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT id, ''::text, 'event:' || id,
    CASE WHEN body <> '' AND (get_byte(body, 0) <> 1 OR get_byte(body, 1) <> $1::bigint) THEN body END
FROM events
WHERE id > $2::text AND $3::text = ''
ORDER BY id
LIMIT $4
