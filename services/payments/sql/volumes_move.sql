-- The rows are locked.
UPDATE daily_volumes v
SET budget = k.budget, used = k.used
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS k(tenant_id, currency, slice, budget, used)
WHERE v.tenant_id = k.tenant_id AND v.currency = k.currency
    AND v.day = ($6::timestamptz AT TIME ZONE 'UTC')::date AND v.slice = k.slice
