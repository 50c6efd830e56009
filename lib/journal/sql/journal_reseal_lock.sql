SELECT key_id, began_at, after_1, after_2, done_at FROM resealing WHERE name = $1 FOR UPDATE SKIP LOCKED
