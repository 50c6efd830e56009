-- The payer of a payment is as one who was never seen.
WITH known AS (
    SELECT y.tenant_id, y.payer FROM payments y WHERE y.tenant_id = $1::text AND y.id = $2::text
), gone AS (
    DELETE FROM payers p USING known k
    WHERE p.tenant_id = k.tenant_id AND p.payer = k.payer
    RETURNING p.blocked_until
)
SELECT k.payer IS NOT NULL, coalesce((SELECT g.blocked_until > clock_timestamp() FROM gone g), false)
FROM known k
