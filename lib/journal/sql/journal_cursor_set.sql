INSERT INTO consumer_cursors (consumer, cursor) VALUES ($1, $2)
ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor
