-- Takes each amount from the pair's slice ($6) where the day's budgets are those of the limit and
-- that slice has room. Where not, or where told so ($5), all slices of the pair are locked and
-- shown instead. One order of locks for all: the rows are sorted. A row that filled up while it was
-- waited for comes back as one that was to fit and was not granted.
WITH asked AS MATERIALIZED (
    SELECT k.tenant_id, k.currency, k.amount, k.place,
        NOT k.whole AND coalesce(d.total = k.daily AND d.room >= k.amount, false) AS fits
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bool[])
        WITH ORDINALITY AS k(tenant_id, currency, amount, daily, whole, place)
    CROSS JOIN LATERAL (
        SELECT sum(v.budget) AS total,
            max(v.budget - v.used) FILTER (WHERE v.slice = $6::bigint) AS room
        FROM daily_volumes v
        WHERE v.tenant_id = k.tenant_id AND v.currency = k.currency
            AND v.day = ($7::timestamptz AT TIME ZONE 'UTC')::date
    ) d
), locked AS MATERIALIZED (
    SELECT a.place, a.amount, a.fits, v.tenant_id, v.currency, v.day, v.slice, v.budget, v.used
    FROM asked a
    JOIN daily_volumes v ON v.tenant_id = a.tenant_id AND v.currency = a.currency
        AND v.day = ($7::timestamptz AT TIME ZONE 'UTC')::date AND (v.slice = $6 OR NOT a.fits)
    ORDER BY v.tenant_id, v.currency, v.day, v.slice
    FOR NO KEY UPDATE OF v
), taken AS (
    UPDATE daily_volumes v
    SET used = v.used + l.amount
    FROM locked l
    WHERE l.fits AND v.tenant_id = l.tenant_id AND v.currency = l.currency AND v.day = l.day
        AND v.slice = l.slice AND v.budget - v.used >= l.amount
    RETURNING l.place
)
SELECT l.place, l.fits, l.slice, l.budget, l.used, t.place IS NOT NULL
FROM locked l
LEFT JOIN taken t ON t.place = l.place
