-- The same where attempts are not counted: only who is blocked gets nothing.
SELECT k.tenant_id, k.payer, CASE WHEN p.blocked_until > clock_timestamp() THEN 0 ELSE k.wanted END,
    coalesce(p.blocked_until > clock_timestamp(), false),
    coalesce(ceil(extract(epoch FROM p.blocked_until - clock_timestamp()))::bigint, 0)
FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS k(tenant_id, payer, wanted)
LEFT JOIN payers p ON p.tenant_id = k.tenant_id AND p.payer = k.payer
ORDER BY k.tenant_id COLLATE "C", k.payer
