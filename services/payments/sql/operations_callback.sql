-- $1 is a reference of ours. The state comes from the query that this brings forward, never from
-- a callback.
UPDATE operations o
SET due_at = $2::timestamptz
WHERE o.id = $1::text AND o.due_at IS NOT NULL AND o.due_at > $2 AND o.status <> 'ready'
    AND o.provider = $3::text
