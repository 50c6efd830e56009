INSERT INTO resealing (name, key_id, began_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
