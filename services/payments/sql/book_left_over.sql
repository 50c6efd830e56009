-- What the newest settlement file of the day before $4 did not show yet. Columns as in book_page.
WITH newest AS (
    SELECT r.left_over
    FROM reconciliations r
    WHERE r.tenant_id = $1::text AND r.provider = $2::text
        AND r.credential_id IS NOT DISTINCT FROM $3::text AND r.day = $4::text::date - 1
        AND r.source = 'csv'
    ORDER BY r.created_at DESC, r.id DESC
    LIMIT 1
)
SELECT
    o.id, o.payment_id, o.provider_reference, o.kind, o.amount, o.currency, o.status,
    o.finished_at, o.created_at, o.stage, p.method, p.vpa, p.msisdn, p.network, p.capture, c.id,
    c.provider_reference, p.amount, p.status, p.personal, p.tenant_id
FROM newest
CROSS JOIN LATERAL unnest(newest.left_over) AS k(id)
JOIN operations o ON o.tenant_id = $1 AND o.id = k.id
JOIN payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id
LEFT JOIN operations c ON c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id
