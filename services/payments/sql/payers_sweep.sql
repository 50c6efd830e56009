-- A row that is counted in just now stays.
DELETE FROM payers p
WHERE p.keep_until < $1::timestamptz AND (p.tenant_id, p.payer) IN (
    SELECT s.tenant_id, s.payer FROM payers s WHERE s.keep_until < $1::timestamptz
    ORDER BY s.keep_until LIMIT $2::bigint FOR UPDATE SKIP LOCKED)
