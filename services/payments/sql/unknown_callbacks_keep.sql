-- At most $8 a day for a tenant and provider: whoever sends rubbish fills nothing.
WITH new AS (
    SELECT *, row_number() OVER (PARTITION BY u.tenant_id, u.provider ORDER BY u.place) AS nth
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
        WITH ORDINALITY AS u(id, tenant_id, provider, credential_id, digest, body, place)
), held AS (
    SELECT g.tenant_id, g.provider, (SELECT count(*) FROM (
        SELECT FROM unknown_callbacks c
        WHERE c.tenant_id = g.tenant_id AND c.provider = g.provider
            AND c.received_at > $7::timestamptz - interval '1 day'
        LIMIT $8::bigint) c) AS n
    FROM (SELECT DISTINCT n.tenant_id, n.provider FROM new n) g
)
INSERT INTO unknown_callbacks (id, tenant_id, provider, credential_id, digest, body, received_at)
SELECT n.id, n.tenant_id, n.provider, n.credential_id, n.digest, n.body, $7
FROM new n
JOIN held h ON h.tenant_id = n.tenant_id AND h.provider = n.provider AND h.n + n.nth <= $8
ORDER BY n.place
ON CONFLICT DO NOTHING
