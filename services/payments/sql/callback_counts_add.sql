-- Sorted by key, so that no two replicas wait for each other crosswise.
INSERT INTO callback_counts AS c (tenant_id, provider, outcome, n, last_at)
SELECT u.tenant_id, u.provider, u.outcome, u.n, u.last_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
    AS u(tenant_id, provider, outcome, n, last_at)
ON CONFLICT (tenant_id, provider, outcome) DO UPDATE
SET n = c.n + excluded.n, last_at = greatest(c.last_at, excluded.last_at)
