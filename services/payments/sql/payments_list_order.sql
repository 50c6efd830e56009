SELECT p.id
FROM payments p
WHERE p.tenant_id = $1::text AND p.order_id = $2::text AND p.id < $3::text
    AND ($4::text IS NULL OR p.status = $4) AND ($5::text IS NULL OR p.method = $5)
    AND p.created_at >= $6::timestamptz AND p.created_at < $7::timestamptz
ORDER BY p.order_id DESC, p.id DESC
LIMIT $8::bigint
