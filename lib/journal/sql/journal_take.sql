-- Sorted, so that two replicas never wait for each other crosswise.
INSERT INTO consumed (consumer, event_id)
SELECT $1, id FROM unnest($2::text[]) AS item (id) ORDER BY id COLLATE "C"
ON CONFLICT DO NOTHING
RETURNING event_id
