-- A refund that payments knows nothing of, and the key that is still waiting for its answer.
WITH gone AS (
    DELETE FROM refunds r
    USING unnest($1::text[], $2::text[]) AS k(tenant_id, id)
    WHERE r.tenant_id = k.tenant_id AND r.id = k.id AND r.status = 'reserving'
    RETURNING r.tenant_id, r.id
)
DELETE FROM idempotency_keys i
USING gone g
WHERE i.tenant_id = g.tenant_id AND i.object_id = g.id AND i.answer IS NULL
