-- $2: exclusive; $6, $7: ids of these times, so that whole partitions are left out.
SELECT p.id
FROM payments p
WHERE p.tenant_id = $1::text AND p.id > $2::text
    AND ($3::text IS NULL OR p.status = $3) AND ($4::text IS NULL OR p.order_id = $4)
    AND ($5::text IS NULL OR p.method = $5)
    AND p.id >= $6::text AND p.id < $7::text
    AND p.created_at >= $8::timestamptz AND p.created_at < $9::timestamptz
    AND ($11::text IS NULL OR $11::boolean =
        coalesce(p.test_mode, p.credential_id IS NULL OR NOT (SELECT c.live FROM provider_credentials c
            WHERE c.tenant_id = p.tenant_id AND c.id = p.credential_id), false))
ORDER BY p.id ASC
LIMIT $10::bigint
