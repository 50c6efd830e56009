UPDATE resealing SET key_id = $2, began_at = $3, after_1 = $4, after_2 = $5, done_at = $6 WHERE name = $1
