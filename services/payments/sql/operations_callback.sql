-- $1: references of ours, sorted, $2: who named each. The state comes from the query that this
-- brings forward, never from a callback. What a processor is at is marked, and due when it is done.
WITH meant AS (
    SELECT q.tenant_id, q.id
    FROM unnest($1::text[], $2::text[]) AS k(id, provider)
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM operations_queue d
        WHERE d.id = k.id AND NOT d.rung
            AND (d.due_at > $3::timestamptz OR d.lease_until > $3)
            AND EXISTS (SELECT FROM operations o WHERE o.tenant_id = d.tenant_id AND o.id = d.id
                AND o.provider = k.provider AND o.status <> 'ready')
        FOR UPDATE
    ) q
)
UPDATE operations_queue q
SET due_at = CASE WHEN q.lease_until > $3 THEN q.due_at ELSE $3 END,
    rung = coalesce(q.lease_until > $3, false)
FROM meant m
-- By key and not by place: whoever held the row while we waited has moved it.
WHERE q.tenant_id = m.tenant_id AND q.id = m.id
