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

--- buckets_lease (key text, granted bigint, ?column? bigint)
-- Leases from many buckets, each named once. A bucket is full at full_us; a token is 60 s / rate of
-- that (the generic cell rate algorithm of ITU-T I.371), rounded up, and so is the whole bucket, or
-- its last token would never be there. Locks are taken in the order of keys. A clock that goes back
-- leaves a bucket empty at worst, never in debt. $6: the time, for tests; empty: the database's. A
-- row for each key, in their order.
INSERT INTO rate_buckets AS b (key, full_us, rate_per_min, burst, wanted, returned, granted, now_us)
SELECT k.key, n.now_us + (least(k.wanted, k.burst) * 60000000 + k.rate - 1) / k.rate, k.rate, k.burst,
    k.wanted, k.returned, least(k.wanted, k.burst), n.now_us
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS k(key, rate, burst, wanted, returned)
CROSS JOIN (SELECT coalesce(($6::bigint[])[1], (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) AS n(now_us)
ORDER BY k.key COLLATE "C"
ON CONFLICT (key) DO UPDATE SET
    (full_us, rate_per_min, burst, wanted, returned, granted, now_us) = (
        SELECT l.full_us + (g.granted * 60000000 + EXCLUDED.rate_per_min - 1) / EXCLUDED.rate_per_min,
            EXCLUDED.rate_per_min, EXCLUDED.burst, EXCLUDED.wanted, EXCLUDED.returned, g.granted, t.now_us
        FROM (SELECT coalesce(($6::bigint[])[1], (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) AS t(now_us)
        CROSS JOIN LATERAL (SELECT t.now_us + (EXCLUDED.burst * 60000000 + EXCLUDED.rate_per_min - 1)
            / EXCLUDED.rate_per_min) AS e(empty_us)
        CROSS JOIN LATERAL (SELECT greatest(t.now_us,
            least(b.full_us, e.empty_us) - EXCLUDED.returned * 60000000 / EXCLUDED.rate_per_min)) AS l(full_us)
        CROSS JOIN LATERAL (SELECT least(EXCLUDED.wanted,
            (e.empty_us - l.full_us) * EXCLUDED.rate_per_min / 60000000)) AS g(granted))
RETURNING b.key, b.granted, b.full_us - b.now_us

--- buckets_sweep ()
-- What has been full for a minute says nothing any more. A row that is being leased from stays.
DELETE FROM rate_buckets b
WHERE b.full_us < $1::bigint AND b.key IN (
    SELECT s.key FROM rate_buckets s WHERE s.full_us < $1::bigint
    LIMIT $2::bigint FOR UPDATE SKIP LOCKED)

--- key_get (id text, tenant_id text, name text, created_at timestamp with time zone, revoked_at timestamp with time zone)
SELECT id, tenant_id, name, created_at, revoked_at
FROM api_keys
WHERE id = $1::text

--- key_insert (id text)
INSERT INTO api_keys (id, tenant_id, name, digest, created_at)
SELECT $1::text, tenants.id, $3::text, $4::bytea, $5::timestamptz
FROM tenants
WHERE tenants.id = $2::text
ON CONFLICT (id) DO NOTHING
RETURNING id

--- key_list_newer (id text, tenant_id text, name text, created_at timestamp with time zone, revoked_at timestamp with time zone)
SELECT id, tenant_id, name, created_at, revoked_at
FROM api_keys
WHERE tenant_id = $1::text AND id > $2::text
ORDER BY id
LIMIT $3::bigint

--- key_list_older (id text, tenant_id text, name text, created_at timestamp with time zone, revoked_at timestamp with time zone)
SELECT id, tenant_id, name, created_at, revoked_at
FROM api_keys
WHERE tenant_id = $1::text AND id < $2::text
ORDER BY id DESC
LIMIT $3::bigint

--- key_revoke (id text, tenant_id text, name text, created_at timestamp with time zone, revoked_at timestamp with time zone)
UPDATE api_keys
SET revoked_at = $2::timestamptz
WHERE id = $1::text AND revoked_at IS NULL
RETURNING id, tenant_id, name, created_at, revoked_at

--- key_verify (digest bytea, id text, test_mode boolean, coalesce bigint)
-- A row for each key asked about, in the order of asking, so that an unknown one costs what a known one costs.
SELECT api_keys.digest, tenants.id, tenants.test_mode, coalesce(tenants.rate_per_min, -1)
FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place)
LEFT JOIN api_keys ON api_keys.id = asked.id AND api_keys.revoked_at IS NULL
LEFT JOIN tenants ON tenants.id = api_keys.tenant_id
ORDER BY asked.place

--- tenant_get (id text, name text, test_mode boolean, created_at timestamp with time zone, coalesce bigint)
SELECT id, name, test_mode, created_at, coalesce(rate_per_min, -1)
FROM tenants
WHERE id = $1::text

--- tenant_insert (id text)
INSERT INTO tenants (id, name, test_mode, created_at, rate_per_min)
VALUES ($1::text, $2::text, $3::boolean, $4::timestamptz, nullif($5::bigint, -1))
ON CONFLICT (id) DO NOTHING
RETURNING id

--- tenant_list_newer (id text, name text, test_mode boolean, created_at timestamp with time zone, coalesce bigint)
SELECT id, name, test_mode, created_at, coalesce(rate_per_min, -1)
FROM tenants
WHERE id > $1::text
ORDER BY id
LIMIT $2::bigint

--- tenant_list_older (id text, name text, test_mode boolean, created_at timestamp with time zone, coalesce bigint)
SELECT id, name, test_mode, created_at, coalesce(rate_per_min, -1)
FROM tenants
WHERE id < $1::text
ORDER BY id DESC
LIMIT $2::bigint

--- tenant_set_rate (id text, name text, test_mode boolean, created_at timestamp with time zone, coalesce bigint)
UPDATE tenants
SET rate_per_min = nullif($2::bigint, -1)
WHERE id = $1::text
RETURNING id, name, test_mode, created_at, coalesce(rate_per_min, -1)

--- tenants_rates (coalesce bigint)
-- A row for each id, in the order of asking; -1: the installation's rate.
SELECT coalesce(t.rate_per_min, -1)
FROM unnest($1::text[]) WITH ORDINALITY AS k (id, place)
LEFT JOIN tenants t ON t.id = k.id
ORDER BY k.place
