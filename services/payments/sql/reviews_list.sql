-- $1: '' is every tenant's. Payment ids are time-ordered, so the oldest payment comes first.
SELECT
    r.tenant_id, r.payment_id, r.reason, p.amount, p.currency, coalesce(o.provider, p.provider),
    coalesce(o.id, p.charge_operation_id), p.unknown_operation, r.since
FROM reviews r
JOIN payments p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id
LEFT JOIN LATERAL (
    SELECT a.id, a.provider
    FROM operations a
    WHERE a.tenant_id = r.tenant_id AND a.payment_id = r.payment_id
        AND a.kind IN ('charge', 'capture', 'cancel') AND a.finished_at IS NULL
    LIMIT 1
) o ON true
WHERE ($1::text = '' OR r.tenant_id = $1) AND r.payment_id > $2::text
ORDER BY r.payment_id, r.tenant_id
LIMIT $3::bigint
