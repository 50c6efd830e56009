-- Leases from many buckets, each named once. A bucket is full at full_us; a token is 60 s / rate of
-- that (the generic cell rate algorithm of ITU-T I.371), rounded up, and so is the whole bucket, or
-- its last token would never be there. Locks are taken in the order of keys. A clock that goes back
-- leaves a bucket empty at worst, never in debt. $6: the time, for tests; empty: the database's. A
-- row for each key, in their order.
INSERT INTO rate_buckets AS b (key, full_us, rate_per_min, burst, wanted, returned, granted, now_us)
SELECT k.key, n.now_us + (least(k.wanted, k.burst) * 60000000 + k.rate - 1) / k.rate, k.rate, k.burst,
    k.wanted, k.returned, least(k.wanted, k.burst), n.now_us
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS k(key, rate, burst, wanted, returned)
CROSS JOIN (SELECT coalesce(($6::bigint[])[1], (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) AS n(now_us)
ORDER BY k.key COLLATE "C"
ON CONFLICT (key) DO UPDATE SET
    (full_us, rate_per_min, burst, wanted, returned, granted, now_us) = (
        SELECT l.full_us + (g.granted * 60000000 + EXCLUDED.rate_per_min - 1) / EXCLUDED.rate_per_min,
            EXCLUDED.rate_per_min, EXCLUDED.burst, EXCLUDED.wanted, EXCLUDED.returned, g.granted, t.now_us
        FROM (SELECT coalesce(($6::bigint[])[1], (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) AS t(now_us)
        CROSS JOIN LATERAL (SELECT t.now_us + (EXCLUDED.burst * 60000000 + EXCLUDED.rate_per_min - 1)
            / EXCLUDED.rate_per_min) AS e(empty_us)
        CROSS JOIN LATERAL (SELECT greatest(t.now_us,
            least(b.full_us, e.empty_us) - EXCLUDED.returned * 60000000 / EXCLUDED.rate_per_min)) AS l(full_us)
        CROSS JOIN LATERAL (SELECT least(EXCLUDED.wanted,
            (e.empty_us - l.full_us) * EXCLUDED.rate_per_min / 60000000)) AS g(granted))
RETURNING b.key, b.granted, b.full_us - b.now_us
