SELECT c.outcome, sum(c.n)::bigint, max(c.last_at)
FROM callback_counts c
WHERE c.tenant_id = ANY ($1::text[]) AND c.provider = $2::text
GROUP BY c.outcome
ORDER BY c.outcome
