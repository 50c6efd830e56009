-- Wins a key that is new or past its time. Waits for a transaction that is writing the same key; the rows
-- of losers are locked too, so that the statement after this finds them as they were.
INSERT INTO idempotency_keys AS held
    (tenant_id, key, hash, method, object_id, http_status, answer, sealed, created_at, expires_at)
SELECT tenant_id, key, hash, method, object_id, http_status, answer, true, now,
       now + $9::bigint * interval '1 second'
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::bytea[],
            $8::timestamptz[])
    AS item (tenant_id, key, hash, method, object_id, http_status, answer, now)
ON CONFLICT (tenant_id, key) DO UPDATE
SET hash = excluded.hash, method = excluded.method, object_id = excluded.object_id,
    http_status = excluded.http_status, answer = excluded.answer, sealed = excluded.sealed,
    created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE held.expires_at <= excluded.created_at
RETURNING tenant_id, key
