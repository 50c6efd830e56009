SELECT p.id
FROM payments p
WHERE p.tenant_id = $1::text AND p.order_id = $2::text AND p.id < $3::text
    AND ($4::text IS NULL OR p.status = $4) AND ($5::text IS NULL OR p.method = $5)
    AND p.created_at >= $6::timestamptz AND p.created_at < $7::timestamptz
    AND ($9::text IS NULL OR $9::boolean =
        coalesce(p.test_mode, p.credential_id IS NULL OR NOT (SELECT c.live FROM provider_credentials c
            WHERE c.tenant_id = p.tenant_id AND c.id = p.credential_id), false))
ORDER BY p.order_id DESC, p.id DESC
LIMIT $8::bigint
