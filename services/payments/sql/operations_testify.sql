-- What a provider told ($5) of operations ($1, sorted, of tenant $2) that it can't be asked about.
-- Late ones count too: what is looked at still, by a person or for late payers, is in the queue. Its
-- row is locked first, as everywhere.
WITH open AS (
    SELECT q.tenant_id, q.id, k.body
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
        AS k(id, tenant_id, provider, credential_id, body)
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM operations_queue d
        WHERE d.id = k.id AND d.tenant_id = k.tenant_id
            AND EXISTS (SELECT FROM operations o WHERE o.tenant_id = d.tenant_id AND o.id = d.id
                AND o.provider = k.provider AND o.credential_id = k.credential_id)
        FOR UPDATE
    ) q
)
UPDATE operations o
SET testimony = p.body
FROM open p
WHERE o.tenant_id = p.tenant_id AND o.id = p.id
