DELETE FROM daily_volumes v
WHERE (v.tenant_id, v.currency, v.day, v.slice) IN (
    SELECT s.tenant_id, s.currency, s.day, s.slice FROM daily_volumes s
    WHERE s.day < ($1::timestamptz AT TIME ZONE 'UTC')::date - 7
    ORDER BY s.day LIMIT $2::bigint)
