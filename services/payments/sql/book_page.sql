-- What is final of one day, for reconciliation. $3 NULL: the simulator's.
SELECT
    o.id, o.payment_id, o.provider_reference, o.kind, o.amount, o.currency, o.status,
    o.finished_at, o.created_at, o.stage, p.method, p.vpa, p.msisdn, p.network, p.capture, c.id,
    c.provider_reference, p.amount, p.status, p.personal, p.tenant_id
FROM operations o
JOIN payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id
LEFT JOIN operations c ON c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id
WHERE o.tenant_id = $1::text AND o.provider = $2::text
    AND o.credential_id IS NOT DISTINCT FROM $3::text
    AND o.finished_at >= $4::timestamptz AND o.finished_at < $5::timestamptz
    AND (o.finished_at, o.id) > ($6::timestamptz, $7::text)
    AND o.kind IN ('charge', 'refund') AND o.status IN ('succeeded', 'failed', 'released')
ORDER BY o.finished_at, o.id
LIMIT $8::bigint
