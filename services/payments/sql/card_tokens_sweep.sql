DELETE FROM card_tokens t
WHERE (t.tenant_id, t.id) IN (
    SELECT s.tenant_id, s.id FROM card_tokens s WHERE s.expires_at < $1::timestamptz
    ORDER BY s.expires_at LIMIT $2::bigint)
