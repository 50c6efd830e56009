-- Payments that their payers' side declined: $3 within an hour block a payer for $4 seconds, and are
-- spent by that. Each payment is named once.
INSERT INTO payers AS p (tenant_id, payer, failures, blocked_until, keep_until)
SELECT f.tenant_id, f.payer, CASE WHEN f.n >= $3::bigint THEN '{}' ELSE array_fill(t.now, ARRAY[f.n::int]) END,
    CASE WHEN f.n >= $3 THEN t.now + make_interval(secs => $4::bigint) END,
    t.now + make_interval(secs => greatest($4, 3600))
FROM (
    SELECT y.tenant_id, y.payer, count(*) AS n
    FROM unnest($1::text[], $2::text[]) AS k(tenant_id, id)
    JOIN payments y ON y.tenant_id = k.tenant_id AND y.id = k.id
    WHERE y.payer IS NOT NULL
    GROUP BY y.tenant_id, y.payer
) f
CROSS JOIN (SELECT clock_timestamp() AS now) t
ORDER BY f.tenant_id COLLATE "C", f.payer
ON CONFLICT (tenant_id, payer) DO UPDATE SET (failures, blocked_until, keep_until) = (
    SELECT CASE WHEN c.n >= $3 THEN '{}' ELSE r.recent || EXCLUDED.failures END,
        CASE WHEN c.n >= $3 THEN t.now + make_interval(secs => $4) ELSE p.blocked_until END,
        greatest(p.keep_until, t.now + make_interval(secs => greatest($4, 3600)))
    FROM (SELECT clock_timestamp() AS now) t
    CROSS JOIN LATERAL (SELECT array(
        SELECT a FROM unnest(p.failures) a
        WHERE a > t.now - interval '1 hour' AND a < t.now + interval '1 hour')) AS r(recent)
    CROSS JOIN LATERAL (SELECT cardinality(r.recent) + cardinality(EXCLUDED.failures)
        + CASE WHEN EXCLUDED.blocked_until IS NULL THEN 0 ELSE $3 END) AS c(n))
