DELETE FROM consumed
WHERE (consumer, event_id) IN (
    SELECT consumer, event_id FROM consumed
    WHERE taken_at < $1
    ORDER BY taken_at LIMIT $2
    FOR UPDATE SKIP LOCKED)
