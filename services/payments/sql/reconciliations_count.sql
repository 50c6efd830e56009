-- Of each credential the newest run counts.
SELECT
    r.provider, sum(r.missing_here)::bigint, sum(r.missing_there)::bigint,
    sum(r.amounts_differ)::bigint, sum(r.statuses_differ)::bigint
FROM (
    SELECT DISTINCT ON (n.tenant_id, n.provider, n.credential_id) n.*
    FROM reconciliations n
    WHERE n.day >= $1::text::date
    ORDER BY n.tenant_id, n.provider, n.credential_id, n.created_at DESC
) r
GROUP BY r.provider
