-- The rows of a day's first payment; whoever comes second waits for the first and makes none.
INSERT INTO daily_volumes (tenant_id, currency, day, slice, budget)
SELECT k.tenant_id, k.currency, ($4::timestamptz AT TIME ZONE 'UTC')::date, s.slice,
    k.daily / 16 + CASE WHEN s.slice = 0 THEN k.daily % 16 ELSE 0 END
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(tenant_id, currency, daily)
CROSS JOIN generate_series(0, 15) AS s(slice)
ORDER BY k.tenant_id COLLATE "C", k.currency, s.slice
ON CONFLICT DO NOTHING
