--- journal_append ()
WITH appended AS (
    INSERT INTO events (id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id,
                        traceparent, body, payload)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                         $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::bytea[])
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
INSERT INTO outbox (event_id) SELECT id FROM appended

--- journal_audit ()
INSERT INTO audit_log (id, tenant_id, actor, action, object_id, request_id, before, after)
SELECT id, tenant_id, actor, action, object_id, request_id, before::json, after::json
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS item (id, tenant_id, actor, action, object_id, request_id, before, after)

--- journal_audit_list (id text, at timestamp with time zone, tenant_id text, actor text, action text, object_id text, request_id text, before json, after json)
SELECT id, at, tenant_id, actor, action, object_id, request_id, before, after
FROM audit_log
WHERE ($1 = '' OR tenant_id = $1) AND ($2 = '' OR object_id = $2) AND ($3 = '' OR id < $3)
ORDER BY id DESC
LIMIT $4

--- journal_claim (tenant_id text, key text)
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

--- journal_complete ()
UPDATE idempotency_keys SET answer = $4
WHERE tenant_id = $1 AND key = $2 AND object_id = $3

--- journal_cursor_get (cursor text)
SELECT cursor FROM consumer_cursors WHERE consumer = $1

--- journal_cursor_known (?column? boolean)
-- A transaction number that this server has not reached yet comes from another life of the database.
SELECT $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())

--- journal_cursor_set ()
INSERT INTO consumer_cursors (consumer, cursor) VALUES ($1, $2)
ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor

--- journal_events_page (id text, text text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT id, ''::text, 'event:' || id,
    CASE WHEN body <> '' AND (get_byte(body, 0) <> 1 OR get_byte(body, 1) <> $1::bigint) THEN body END
FROM events
WHERE id > $2::text AND $3::text = ''
ORDER BY id
LIMIT $4

--- journal_events_reseal ()
UPDATE events e SET body = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(id, nothing, old, new)
WHERE e.id = k.id AND e.body = k.old

--- journal_forget ()
DELETE FROM idempotency_keys held
USING unnest($1::text[], $2::text[], $3::text[]) AS item (tenant_id, key, object_id)
WHERE held.tenant_id = item.tenant_id AND held.key = item.key AND held.object_id = item.object_id

--- journal_held (?column? bigint, hash bytea, object_id text, answer bytea)
SELECT item.i - 1, held.hash, held.object_id, held.answer
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS item (tenant_id, key, i)
JOIN idempotency_keys held ON held.tenant_id = item.tenant_id AND held.key = item.key

--- journal_key_get (object_id text, ?column? boolean, http_status integer, created_at timestamp with time zone, expires_at timestamp with time zone)
SELECT object_id, answer IS NULL, http_status, created_at, expires_at
FROM idempotency_keys
WHERE tenant_id = $1 AND key = $2 AND expires_at > $3

--- journal_list (id text, tenant_id text, type text, object_id text, payment_id text, sequence bigint, created_at timestamp with time zone, request_id text, traceparent text, body bytea, payload bytea, xid text)
SELECT id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id, traceparent, body,
       payload, xid::text
FROM events
WHERE (xid, id) > ($1::text::xid8, $2::text) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY events.xid, events.id -- not the text of the first column named xid
LIMIT $3

--- journal_outbox_delete ()
DELETE FROM outbox WHERE event_id = ANY ($1::text[])

--- journal_outbox_take (id text, tenant_id text, type text, object_id text, payment_id text, sequence bigint, created_at timestamp with time zone, request_id text, traceparent text, body bytea, payload bytea)
SELECT id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id, traceparent, body,
       payload
FROM outbox JOIN events ON events.id = outbox.event_id
ORDER BY outbox.event_id
LIMIT $1
FOR UPDATE OF outbox SKIP LOCKED

--- journal_partition_make (journal_partition_make boolean)
SELECT journal_partition_make($1, $2, $3, $4)

--- journal_partitions_drop (journal_partitions_drop bigint)
SELECT journal_partitions_drop($1, $2)

--- journal_reseal_enter ()
INSERT INTO resealing (name, key_id, began_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING

--- journal_reseal_lock (key_id bigint, began_at timestamp with time zone, after_1 text, after_2 text, done_at timestamp with time zone)
SELECT key_id, began_at, after_1, after_2, done_at FROM resealing WHERE name = $1 FOR UPDATE SKIP LOCKED

--- journal_reseal_note ()
UPDATE resealing SET key_id = $2, began_at = $3, after_1 = $4, after_2 = $5, done_at = $6 WHERE name = $1

--- journal_sweep_consumed ()
DELETE FROM consumed
WHERE (consumer, event_id) IN (
    SELECT consumer, event_id FROM consumed
    WHERE taken_at < $1
    ORDER BY taken_at LIMIT $2
    FOR UPDATE SKIP LOCKED)

--- journal_sweep_keys ()
DELETE FROM idempotency_keys
WHERE (tenant_id, key) IN (
    SELECT tenant_id, key FROM idempotency_keys
    WHERE expires_at <= $1
    ORDER BY expires_at LIMIT $2
    FOR UPDATE SKIP LOCKED)

--- journal_take (event_id text)
-- Sorted, so that two replicas never wait for each other crosswise.
INSERT INTO consumed (consumer, event_id)
SELECT $1, id FROM unnest($2::text[]) AS item (id) ORDER BY id COLLATE "C"
ON CONFLICT DO NOTHING
RETURNING event_id

--- count_jobs (count bigint, count bigint, count bigint, count bigint)
SELECT count(*) FILTER (WHERE status IN ('reserving', 'pending') AND finished_at IS NULL),
       count(*) FILTER (WHERE status IN ('unknown', 'needs_review') AND finished_at IS NULL),
       count(*) FILTER (WHERE status = 'processed'), count(*) FILTER (WHERE status = 'failed')
FROM refunds
WHERE ($1::text = '' OR tenant_id = $1) AND (finished_at IS NULL OR finished_at > now() - interval '1 day')

--- delete_reserving ()
DELETE FROM refunds WHERE tenant_id = $1 AND id = $2 AND status = 'reserving'

--- due_refunds (tenant_id text, id text, payment_id text, requested bigint, amount bigint, currency text, reason text, status text, sequence bigint, error_code text, error_message text, operation_revision bigint, idempotency_key text, actor text, request_id text, traceparent text, created_at timestamp with time zone, processed_at timestamp with time zone, drives bigint)
-- Those to be looked after, put off before they are handed out so that a second loop takes others.
UPDATE refunds
SET drive_at = now() + make_interval(secs => least(3600, 5 * power(2, least(drives, 12)))), drives = drives + 1
WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM refunds WHERE drive_at <= now()
    ORDER BY drive_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives

--- get_refunds (tenant_id text, id text, payment_id text, requested bigint, amount bigint, currency text, reason text, status text, sequence bigint, error_code text, error_message text, operation_revision bigint, idempotency_key text, actor text, request_id text, traceparent text, created_at timestamp with time zone, processed_at timestamp with time zone, drives bigint)
SELECT tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives
FROM refunds JOIN unnest($1::text[], $2::text[]) AS asked (asked_tenant, asked_id)
     ON tenant_id = asked_tenant AND id = asked_id

--- insert_refund ()
INSERT INTO refunds (tenant_id, id, payment_id, requested, reason, status, idempotency_key, actor, request_id,
                     traceparent, created_at, drive_at)
VALUES ($1, $2, $3, $4, $5, 'reserving', $6, $7, $8, $9, $10::timestamptz, $11::timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING

--- list_refunds_newer (tenant_id text, id text, payment_id text, requested bigint, amount bigint, currency text, reason text, status text, sequence bigint, error_code text, error_message text, operation_revision bigint, idempotency_key text, actor text, request_id text, traceparent text, created_at timestamp with time zone, processed_at timestamp with time zone, drives bigint)
SELECT tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives
FROM refunds
WHERE tenant_id = $1 AND id > $2 AND id >= $3 AND id < $4 AND status <> 'reserving'
  AND ($5::text IS NULL OR payment_id = $5) AND ($6::text IS NULL OR status = $6)
ORDER BY id ASC
LIMIT $7

--- list_refunds_older (tenant_id text, id text, payment_id text, requested bigint, amount bigint, currency text, reason text, status text, sequence bigint, error_code text, error_message text, operation_revision bigint, idempotency_key text, actor text, request_id text, traceparent text, created_at timestamp with time zone, processed_at timestamp with time zone, drives bigint)
SELECT tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives
FROM refunds
WHERE tenant_id = $1 AND id < $2 AND id >= $3 AND id < $4 AND status <> 'reserving'
  AND ($5::text IS NULL OR payment_id = $5) AND ($6::text IS NULL OR status = $6)
ORDER BY id DESC
LIMIT $7

--- lock_refunds (tenant_id text, id text, payment_id text, requested bigint, amount bigint, currency text, reason text, status text, sequence bigint, error_code text, error_message text, operation_revision bigint, idempotency_key text, actor text, request_id text, traceparent text, created_at timestamp with time zone, processed_at timestamp with time zone, drives bigint)
SELECT tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives
FROM refunds JOIN unnest($1::text[], $2::text[]) AS asked (asked_tenant, asked_id)
     ON tenant_id = asked_tenant AND id = asked_id
ORDER BY tenant_id, id
FOR NO KEY UPDATE OF refunds

--- update_refunds ()
-- The rows are locked by whoever read them (lock_refunds).
UPDATE refunds
SET status = i.status, amount = i.amount, currency = i.currency, sequence = i.sequence, error_code = i.error_code,
    error_message = i.error_message, operation_revision = i.revision, processed_at = i.processed_at,
    finished_at = CASE WHEN i.status IN ('processed', 'failed') THEN i.now END,
    drive_at = CASE WHEN i.status IN ('processed', 'failed') THEN NULL ELSE i.drive_at END
FROM unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::int8[], $7::text[], $8::text[],
            $9::int8[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
     AS i (tenant_id, id, status, amount, currency, sequence, error_code, error_message, revision, processed_at,
           drive_at, now)
WHERE refunds.tenant_id = i.tenant_id AND refunds.id = i.id
