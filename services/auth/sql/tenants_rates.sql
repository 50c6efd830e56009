-- A row for each id, in the order of asking; -1: the installation's rate.
SELECT coalesce(t.rate_per_min, -1)
FROM unnest($1::text[]) WITH ORDINALITY AS k (id, place)
LEFT JOIN tenants t ON t.id = k.id
ORDER BY k.place
