-- $1: references of ours, sorted, $2: who named each, $3: whose they are ('' where nobody knows).
-- The state comes from the query that this brings forward, never from a callback. What a processor
-- is at is marked, and due when it is done. The commit does not wait for the disk ($5): it is the
-- statement's own, and without a callback too the operation is asked about.
WITH named AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        WITH ORDINALITY AS k(id, provider, tenant_id, place)
), meant AS (
    SELECT q.tenant_id, q.id
    FROM named k
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM operations_queue d
        WHERE d.id = k.id AND (k.tenant_id = '' OR d.tenant_id = k.tenant_id) AND NOT d.rung
            AND (d.due_at > $4::timestamptz OR d.lease_until > $4)
            AND EXISTS (SELECT FROM operations o WHERE o.tenant_id = d.tenant_id AND o.id = d.id
                AND o.provider = k.provider AND o.status <> 'ready')
        FOR UPDATE
    ) q
), brought AS (
    UPDATE operations_queue q
    SET due_at = CASE WHEN q.lease_until > $4 THEN q.due_at ELSE $4 END,
        rung = coalesce(q.lease_until > $4, false)
    FROM meant m
    -- By key and not by place: whoever held the row while we waited has moved it.
    WHERE q.tenant_id = m.tenant_id AND q.id = m.id
)
SELECT
    k.place, coalesce(open.yes, false), k.tenant_id = '' OR coalesce(open.yes, known.yes, false),
    CASE WHEN $5::boolean THEN set_config('synchronous_commit', 'off', true) END
FROM named k
LEFT JOIN LATERAL (
    SELECT true AS yes
    FROM operations_queue d
    JOIN operations o ON o.tenant_id = d.tenant_id AND o.id = d.id AND o.provider = k.provider
    WHERE d.id = k.id AND (k.tenant_id = '' OR d.tenant_id = k.tenant_id)
    LIMIT 1
) open ON true
LEFT JOIN LATERAL (
    SELECT true AS yes FROM operations o
    WHERE open.yes IS NULL AND k.tenant_id <> '' AND o.tenant_id = k.tenant_id AND o.id = k.id
    LIMIT 1
) known ON true
