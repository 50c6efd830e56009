DELETE FROM outbox WHERE event_id = ANY ($1::text[])
