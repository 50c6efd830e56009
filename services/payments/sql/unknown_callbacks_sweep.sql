DELETE FROM unknown_callbacks u
WHERE u.id IN (
    SELECT s.id FROM unknown_callbacks s WHERE s.received_at < $1::timestamptz
    ORDER BY s.received_at LIMIT $2::bigint)
