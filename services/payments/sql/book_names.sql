-- $3 NULL: the simulator's.
SELECT o.id, o.provider_reference, o.kind
FROM operations o
WHERE o.tenant_id = $1::text AND o.id > $4::text AND o.provider = $2::text
    AND o.credential_id IS NOT DISTINCT FROM $3::text
ORDER BY o.id
LIMIT $5::bigint
