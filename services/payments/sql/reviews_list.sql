-- $1: '' is every tenant's. Payment ids are time-ordered, so the oldest payment comes first, and then
-- its refunds. $2 and $3: where the page before ended.
SELECT
    r.tenant_id, r.payment_id, r.reason, coalesce(b.amount, p.amount), p.currency,
    coalesce(b.provider, o.provider, p.provider), coalesce(b.id, o.id, p.charge_operation_id),
    coalesce(b.kind, p.unknown_operation), r.since, r.refund_id
FROM reviews r
JOIN payments p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id
LEFT JOIN operations b ON r.refund_id <> '' AND b.tenant_id = r.tenant_id
    AND b.refund_id = r.refund_id
LEFT JOIN LATERAL (
    SELECT a.id, a.provider
    FROM operations a
    WHERE r.refund_id = '' AND a.tenant_id = r.tenant_id AND a.payment_id = r.payment_id
        AND a.kind IN ('charge', 'capture', 'cancel') AND a.finished_at IS NULL
    LIMIT 1
) o ON true
WHERE ($1::text = '' OR r.tenant_id = $1) AND (r.payment_id, r.refund_id) > ($2::text, $3::text)
ORDER BY r.payment_id, r.refund_id, r.tenant_id
LIMIT $4::bigint
