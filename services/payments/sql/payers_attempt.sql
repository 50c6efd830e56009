-- Attempts of many payers, each named once, $4 a minute at most. What is granted is up to what was
-- asked for; $3 is never above $4. Locks are taken in the order of the keys. An attempt counts for a
-- minute in either direction of the clock. A row for each payer, in their order.
INSERT INTO payers AS p (tenant_id, payer, attempts, granted, keep_until)
SELECT k.tenant_id, k.payer, array_fill(clock_timestamp(), ARRAY[k.wanted::int]), k.wanted,
    clock_timestamp() + interval '2 minutes'
FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS k(tenant_id, payer, wanted)
ORDER BY k.tenant_id COLLATE "C", k.payer
ON CONFLICT (tenant_id, payer) DO UPDATE SET (attempts, granted, keep_until) = (
    SELECT r.recent || array_fill(t.now, ARRAY[g.granted::int]), g.granted,
        greatest(p.keep_until, t.now + interval '2 minutes')
    FROM (SELECT clock_timestamp() AS now) t
    CROSS JOIN LATERAL (SELECT array(
        SELECT a FROM unnest(p.attempts) a
        WHERE a > t.now - interval '1 minute' AND a < t.now + interval '1 minute' ORDER BY a)) AS r(recent)
    CROSS JOIN LATERAL (SELECT CASE WHEN p.blocked_until > t.now THEN 0 ELSE
        greatest(0, least(EXCLUDED.granted, $4::bigint - cardinality(r.recent))) END) AS g(granted))
RETURNING p.tenant_id, p.payer, p.granted, coalesce(p.blocked_until > clock_timestamp(), false),
    ceil(extract(epoch FROM CASE WHEN p.blocked_until > clock_timestamp() THEN p.blocked_until
        ELSE p.attempts[1] + interval '1 minute' END - clock_timestamp()))::bigint
