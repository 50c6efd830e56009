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

--- claim_deliveries (tenant_id text, delivery_id text, endpoint_id text, event_id text, attempts integer, schedule_start integer, max_attempts integer, started_at timestamp with time zone, url text, enabled boolean, failing boolean, secret_sealed bytea, old_secret_sealed bytea, body bytea, request_id text, traceparent text)
-- The attempt is written as started before its first byte leaves, so that it counts whatever happens. The rows that
-- were locked are found again where they lie: nobody else can move them meanwhile.
WITH due AS (
    SELECT d.row, e.url, e.enabled AND e.deleted_at IS NULL AS enabled,
           e.failing_since IS NOT NULL AS failing, e.secret_sealed,
           CASE WHEN e.old_secret_until > now() THEN e.old_secret_sealed END AS old_secret_sealed
      FROM unnest($1::text[], $2::text[], $3::int8[], $4::timestamptz[]) AS w (tenant_id, endpoint_id, allowed, first)
      JOIN endpoints e ON e.tenant_id = w.tenant_id AND e.id = w.endpoint_id
     CROSS JOIN LATERAL (
            SELECT q.ctid AS row
              FROM delivery_queue q
             WHERE q.tenant_id = w.tenant_id AND q.endpoint_id = w.endpoint_id
               AND q.next_at >= w.first AND q.next_at <= now() AND q.lease_until IS NULL
             ORDER BY q.next_at LIMIT w.allowed
               FOR UPDATE SKIP LOCKED) d
), claimed AS (
    UPDATE delivery_queue q
       SET attempts = q.attempts + 1, started_at = now(),
           lease_until = now() + $5::int8 * interval '1 millisecond'
      FROM due
     WHERE q.ctid = due.row
    RETURNING q.tenant_id, q.delivery_id, q.endpoint_id, q.event_id, q.attempts, q.schedule_start, q.max_attempts,
              q.started_at, due.url, due.enabled, due.failing, due.secret_sealed, due.old_secret_sealed
)
SELECT c.tenant_id, c.delivery_id, c.endpoint_id, c.event_id, c.attempts, c.schedule_start, c.max_attempts,
       c.started_at, c.url, c.enabled, c.failing, c.secret_sealed, c.old_secret_sealed, s.body, s.request_id,
       s.traceparent
  FROM claimed c
  LEFT JOIN stored_events s ON s.tenant_id = c.tenant_id AND s.id = c.event_id

--- count_endpoints (count bigint)
SELECT count(*) FROM endpoints WHERE tenant_id = $1::text AND deleted_at IS NULL

--- count_jobs (count bigint, count bigint, least bigint, least bigint)
-- Waiting, being sent, and delivered and failed since $2; each counted to 100,000. The last two are counted over each
-- tenant's newest 100,000 deliveries with ids from $3 on.
SELECT (SELECT count(*) FROM (SELECT FROM delivery_queue
         WHERE lease_until IS NULL AND ($1::text = '' OR tenant_id = $1::text) LIMIT 100000) waiting),
       (SELECT count(*) FROM (SELECT FROM delivery_queue
         WHERE lease_until IS NOT NULL AND ($1::text = '' OR tenant_id = $1::text) LIMIT 100000) leased),
       least(100000, count(*) FILTER (WHERE newest.status = 'delivered')),
       least(100000, count(*) FILTER (WHERE newest.status = 'failed'))
  FROM (SELECT DISTINCT tenant_id FROM endpoints WHERE $1::text = '' OR tenant_id = $1::text) known
 CROSS JOIN LATERAL (
        SELECT d.status, d.finished_at
          FROM deliveries d
         WHERE d.tenant_id = known.tenant_id AND d.id >= $3::text
         ORDER BY d.id DESC LIMIT 100000) newest
 WHERE newest.finished_at >= $2::timestamptz

--- delete_endpoint ()
-- The row stays for the delivery log; its secrets do not.
UPDATE endpoints
   SET deleted_at = now(), enabled = false, disabled_reason = 'The endpoint was deleted.',
       secret_sealed = ''::bytea, old_secret_sealed = NULL, old_secret_until = NULL
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL

--- disable_endpoint (id text, url text, events text[], description text, enabled boolean, disabled_reason text, created_at timestamp with time zone, sequence bigint)
UPDATE endpoints
   SET enabled = false, disabled_reason = $3::text, sequence = sequence + 1
 WHERE tenant_id = $1::text AND id = $2::text AND enabled AND deleted_at IS NULL
RETURNING id, url, events, description, enabled, disabled_reason, created_at, sequence

--- fail_pending ()
-- What is being sent this moment is logged as started, and still becomes delivered when it succeeds.
WITH given_up AS (
    SELECT tenant_id, delivery_id, attempts, started_at
      FROM delivery_queue
     WHERE tenant_id = $1::text AND endpoint_id = $2::text
     ORDER BY delivery_id
       FOR UPDATE
), closed AS (
    DELETE FROM delivery_queue q
     USING given_up g
     WHERE q.tenant_id = g.tenant_id AND q.delivery_id = g.delivery_id
), logged AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, number, started_at)
    SELECT tenant_id, delivery_id, attempts, started_at FROM given_up WHERE started_at IS NOT NULL
        ON CONFLICT (tenant_id, delivery_id, number) DO NOTHING
)
UPDATE deliveries d
   SET status = 'failed', attempts = g.attempts, last_error = $3::text, finished_at = now()
  FROM given_up g
 WHERE d.tenant_id = g.tenant_id AND d.id = g.delivery_id

--- failing_endpoints (tenant_id text, id text)
SELECT e.tenant_id, e.id
  FROM unnest($1::text[], $2::text[], $3::bool[]) AS o (tenant_id, id, worked)
  JOIN endpoints e ON e.tenant_id = o.tenant_id AND e.id = o.id
 WHERE NOT o.worked AND e.enabled AND e.deleted_at IS NULL AND e.failing_since <= $4::timestamptz

--- finish_deliveries ()
-- A failure counts only for the attempt that is the newest and out; a success counts however late it comes, but once:
-- one that is logged already comes a second time. An attempt that is out when an older one succeeds is logged as
-- started. Where max_attempts has changed since the claim, a retry was asked for meanwhile: it is due now.
-- Each step hands its rows on: the planner takes the arrays for short and would join them by nested loops.
WITH outcome AS (
    SELECT *
      FROM unnest($1::text[], $2::text[], $3::int8[], $4::text[], $5::timestamptz[], $6::int8[], $7::text[],
                  $8::text[], $9::int8[], $10::text[], $11::int8[], $12::timestamptz[], $13::text[])
           AS o (tenant_id, id, number, status, next_at, response_code, response_body, error, duration_us,
                 request_headers, max_attempts, started_at, url)
), logged AS (
    INSERT INTO delivery_attempts AS a (tenant_id, delivery_id, number, started_at, duration_us, request_headers,
                                        response_code, response_body, error)
    SELECT o.tenant_id, o.id, o.number, o.started_at, o.duration_us, o.request_headers, nullif(o.response_code, 0),
           o.response_body, nullif(o.error, '')
      FROM outcome o
        ON CONFLICT (tenant_id, delivery_id, number) DO UPDATE
       SET duration_us = excluded.duration_us, request_headers = excluded.request_headers,
           response_code = excluded.response_code, response_body = excluded.response_body, error = excluded.error
     WHERE a.duration_us IS NULL
), closed AS (
    DELETE FROM delivery_queue q
     USING outcome o
     WHERE q.tenant_id = o.tenant_id AND q.delivery_id = o.id
       AND CASE WHEN q.attempts = o.number AND q.lease_until IS NOT NULL
                THEN o.status = 'delivered' OR o.status = 'failed' AND q.max_attempts = o.max_attempts
                ELSE o.status = 'delivered'
                     AND NOT EXISTS (SELECT FROM delivery_attempts a
                                      WHERE a.tenant_id = o.tenant_id AND a.delivery_id = o.id
                                        AND a.number = o.number AND a.duration_us IS NOT NULL) END
    RETURNING o.*, q.attempts AS newest, q.started_at AS newest_at
), out_still AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, number, started_at)
    SELECT c.tenant_id, c.id, c.newest, c.newest_at
      FROM closed c
     WHERE c.newest <> c.number AND c.newest_at IS NOT NULL
        ON CONFLICT (tenant_id, delivery_id, number) DO NOTHING
), put_off AS (
    UPDATE delivery_queue q
       SET next_at = CASE WHEN q.max_attempts <> o.max_attempts THEN now() ELSE o.next_at END,
           started_at = NULL, lease_until = NULL
      FROM outcome o
     WHERE q.tenant_id = o.tenant_id AND q.delivery_id = o.id
       AND q.attempts = o.number AND q.lease_until IS NOT NULL
       AND (o.status = 'pending' OR o.status = 'failed' AND q.max_attempts <> o.max_attempts)
    RETURNING o.*
), settled AS (
    SELECT c.*, c.status AS becomes FROM closed c
     UNION ALL
    SELECT p.*, p.number, NULL, 'pending' FROM put_off p
     UNION ALL
    SELECT o.*, o.number, NULL, o.status
      FROM outcome o
     WHERE (SELECT count(*) FROM outcome) > (SELECT count(*) FROM closed) + (SELECT count(*) FROM put_off)
       AND o.status = 'delivered'
       AND NOT EXISTS (SELECT FROM delivery_queue q WHERE q.tenant_id = o.tenant_id AND q.delivery_id = o.id)
)
UPDATE deliveries d
   SET status = s.becomes, attempts = greatest(d.attempts, s.number, s.newest), url = s.url,
       response_code = nullif(s.response_code, 0), response_body = s.response_body,
       last_error = nullif(s.error, ''),
       delivered_at = CASE WHEN s.becomes = 'delivered' THEN now() END,
       finished_at = CASE WHEN s.becomes <> 'pending' THEN now() END
  FROM settled s
 WHERE d.tenant_id = s.tenant_id AND d.id = s.id AND d.status <> 'delivered'

--- get_delivery (id text, endpoint_id text, event_type text, event_id text, payment_id text, url text, status text, attempts integer, max_attempts integer, response_code integer, response_body text, last_error text, next_at timestamp with time zone, created_at timestamp with time zone, delivered_at timestamp with time zone)
SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
  FROM deliveries_shown
 WHERE tenant_id = $1::text AND id = $2::text

--- get_endpoint (id text, url text, events text[], description text, enabled boolean, disabled_reason text, created_at timestamp with time zone)
SELECT id, url, events, description, enabled, disabled_reason, created_at
  FROM endpoints
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL

--- get_event (id text, type text, object_id text, payment_id text, sequence bigint, body bytea, created_at timestamp with time zone)
SELECT id, type, object_id, payment_id, sequence, body, created_at
  FROM stored_events
 WHERE tenant_id = $1::text AND id = $2::text

--- get_event_body (body bytea)
SELECT body FROM stored_events WHERE tenant_id = $1::text AND id = $2::text

--- insert_deliveries ()
-- $8: when the first attempt is due; $9: how many there may be.
WITH logged AS (
    INSERT INTO deliveries (tenant_id, id, endpoint_id, event_id, event_type, payment_id, url, max_attempts,
                            created_at)
    SELECT tenant_id, id, endpoint_id, event_id, event_type, nullif(payment_id, ''), url, $9::int8, now()
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
           AS d (tenant_id, id, endpoint_id, event_id, event_type, payment_id, url)
     ORDER BY tenant_id, id
        ON CONFLICT (tenant_id, id) DO NOTHING
    RETURNING tenant_id, id, endpoint_id, event_id, max_attempts
)
INSERT INTO delivery_queue (tenant_id, delivery_id, endpoint_id, event_id, max_attempts, next_at)
SELECT tenant_id, id, endpoint_id, event_id, max_attempts, $8::timestamptz
  FROM logged

--- insert_endpoint (id text)
INSERT INTO endpoints (tenant_id, id, url, events, description, secret_sealed, created_at)
VALUES ($1::text, $2::text, $3::text, $4::text[], $5::text, $6::bytea, $7::timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING
RETURNING id

--- insert_events (tenant_id text, id text)
INSERT INTO stored_events (tenant_id, id, type, object_id, payment_id, sequence, request_id, traceparent, body,
                           created_at)
SELECT tenant_id, id, type, object_id, nullif(payment_id, ''), sequence, request_id, traceparent, body, created_at
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::text[],
              $9::bytea[], $10::timestamptz[])
       AS e (tenant_id, id, type, object_id, payment_id, sequence, request_id, traceparent, body, created_at)
 ORDER BY tenant_id, id
ON CONFLICT (tenant_id, id) DO NOTHING
RETURNING tenant_id, id

--- list_attempts (number integer, started_at timestamp with time zone, duration_us bigint, request_headers text, response_code integer, response_body text, error text)
-- One that is under way stands in the queue only.
SELECT a.number, a.started_at, a.duration_us, a.request_headers, a.response_code, a.response_body, a.error
  FROM delivery_attempts a
 WHERE a.tenant_id = $1::text AND a.delivery_id = $2::text
 UNION ALL
SELECT q.attempts, q.started_at, NULL, NULL, NULL, NULL, NULL
  FROM delivery_queue q
 WHERE q.tenant_id = $1::text AND q.delivery_id = $2::text AND q.lease_until IS NOT NULL
 ORDER BY 1 DESC
 LIMIT $3::int8

--- list_deliveries (id text, endpoint_id text, event_type text, event_id text, payment_id text, url text, status text, attempts integer, max_attempts integer, response_code integer, response_body text, last_error text, next_at timestamp with time zone, created_at timestamp with time zone, delivered_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND ($5::text IS NULL OR endpoint_id = $5::text) AND ($6::text IS NULL OR event_type = $6::text)
    AND ($7::text IS NULL OR event_id = $7::text) AND ($8::text IS NULL OR payment_id = $8::text)
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND ($5::text IS NULL OR endpoint_id = $5::text) AND ($6::text IS NULL OR event_type = $6::text)
    AND ($7::text IS NULL OR event_id = $7::text) AND ($8::text IS NULL OR payment_id = $8::text)
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id ASC LIMIT $4::int8)

--- list_deliveries_of_endpoint (id text, endpoint_id text, event_type text, event_id text, payment_id text, url text, status text, attempts integer, max_attempts integer, response_code integer, response_body text, last_error text, next_at timestamp with time zone, created_at timestamp with time zone, delivered_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND endpoint_id = $5::text AND ($6::text IS NULL OR event_type = $6::text)
    AND ($7::text IS NULL OR event_id = $7::text) AND ($8::text IS NULL OR payment_id = $8::text)
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND endpoint_id = $5::text AND ($6::text IS NULL OR event_type = $6::text)
    AND ($7::text IS NULL OR event_id = $7::text) AND ($8::text IS NULL OR payment_id = $8::text)
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id ASC LIMIT $4::int8)

--- list_deliveries_of_event (id text, endpoint_id text, event_type text, event_id text, payment_id text, url text, status text, attempts integer, max_attempts integer, response_code integer, response_body text, last_error text, next_at timestamp with time zone, created_at timestamp with time zone, delivered_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND ($5::text IS NULL OR endpoint_id = $5::text) AND ($6::text IS NULL OR event_type = $6::text)
    AND event_id = $7::text AND ($8::text IS NULL OR payment_id = $8::text)
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND ($5::text IS NULL OR endpoint_id = $5::text) AND ($6::text IS NULL OR event_type = $6::text)
    AND event_id = $7::text AND ($8::text IS NULL OR payment_id = $8::text)
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id ASC LIMIT $4::int8)

--- list_deliveries_of_payment (id text, endpoint_id text, event_type text, event_id text, payment_id text, url text, status text, attempts integer, max_attempts integer, response_code integer, response_body text, last_error text, next_at timestamp with time zone, created_at timestamp with time zone, delivered_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND ($5::text IS NULL OR endpoint_id = $5::text) AND ($6::text IS NULL OR event_type = $6::text)
    AND ($7::text IS NULL OR event_id = $7::text) AND payment_id = $8::text
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
   FROM deliveries_shown
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND ($5::text IS NULL OR endpoint_id = $5::text) AND ($6::text IS NULL OR event_type = $6::text)
    AND ($7::text IS NULL OR event_id = $7::text) AND payment_id = $8::text
    AND ($9::text IS NULL OR status = $9::text)
    AND created_at >= $10::timestamptz AND created_at < $11::timestamptz
  ORDER BY id ASC LIMIT $4::int8)

--- list_endpoints (id text, url text, events text[], description text, enabled boolean, disabled_reason text, created_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, url, events, description, enabled, disabled_reason, created_at
   FROM endpoints
  WHERE NOT $3::bool AND tenant_id = $1::text AND deleted_at IS NULL
    AND id < $2::text
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, url, events, description, enabled, disabled_reason, created_at
   FROM endpoints
  WHERE $3::bool AND tenant_id = $1::text AND deleted_at IS NULL AND id > $2::text
  ORDER BY id ASC LIMIT $4::int8)

--- list_events (id text, type text, object_id text, payment_id text, sequence bigint, body bytea, created_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND ($5::text IS NULL OR type = $5::text) AND ($6::text IS NULL OR object_id = $6::text)
    AND ($7::text IS NULL OR payment_id = $7::text)
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND ($5::text IS NULL OR type = $5::text) AND ($6::text IS NULL OR object_id = $6::text)
    AND ($7::text IS NULL OR payment_id = $7::text)
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id ASC LIMIT $4::int8)

--- list_events_of_object (id text, type text, object_id text, payment_id text, sequence bigint, body bytea, created_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND ($5::text IS NULL OR type = $5::text) AND object_id = $6::text
    AND ($7::text IS NULL OR payment_id = $7::text)
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND ($5::text IS NULL OR type = $5::text) AND object_id = $6::text
    AND ($7::text IS NULL OR payment_id = $7::text)
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id ASC LIMIT $4::int8)

--- list_events_of_payment (id text, type text, object_id text, payment_id text, sequence bigint, body bytea, created_at timestamp with time zone)
-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND ($5::text IS NULL OR type = $5::text) AND ($6::text IS NULL OR object_id = $6::text)
    AND payment_id = $7::text
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND ($5::text IS NULL OR type = $5::text) AND ($6::text IS NULL OR object_id = $6::text)
    AND payment_id = $7::text
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id ASC LIMIT $4::int8)

--- list_replayable (id text, type text, payment_id text)
-- What is on its way to this endpoint already isn't queued a second time. $5 is a floor for the ids, so that
-- older partitions are left alone.
SELECT s.id, s.type, s.payment_id
  FROM stored_events s
 WHERE s.tenant_id = $1::text AND s.id >= $5::text
   AND s.created_at >= $3::timestamptz AND s.created_at < $4::timestamptz
   AND s.type <> 'webhook.test'
   AND $6::text[] && ARRAY['*', s.type, split_part(s.type, '.', 1) || '.*']
   AND NOT EXISTS (SELECT FROM deliveries d
                    WHERE d.tenant_id = s.tenant_id AND d.event_id = s.id AND d.endpoint_id = $2::text
                      AND (d.status = 'pending' OR $7::bool AND d.status = 'delivered'))
   AND (NOT $7::bool
        OR EXISTS (SELECT FROM deliveries d
                    WHERE d.tenant_id = s.tenant_id AND d.event_id = s.id AND d.endpoint_id = $2::text
                      AND d.status = 'failed'))
 ORDER BY s.id
 LIMIT $8::int8

--- list_waiting (tenant_id text, endpoint_id text, due bigint, lost boolean, next_at timestamp with time zone)
-- Endpoints with something in the queue, by jumps over the index, each with how many are due (to $4), whether the
-- lease of one has run out, and where its rows begin, so that nobody steps over the index entries of rows that are
-- gone a second time. Rows are leased in the order of next_at, so a lost one comes to the front.
WITH RECURSIVE waiting AS (
    (SELECT q.tenant_id, q.endpoint_id, q.next_at, 1 AS n
       FROM delivery_queue q
      WHERE (q.tenant_id, q.endpoint_id) > ($1::text, $2::text)
      ORDER BY q.tenant_id, q.endpoint_id, q.next_at LIMIT 1)
    UNION ALL
    SELECT later.tenant_id, later.endpoint_id, later.next_at, w.n + 1
      FROM waiting w
     CROSS JOIN LATERAL (
            SELECT q.tenant_id, q.endpoint_id, q.next_at
              FROM delivery_queue q
             WHERE (q.tenant_id, q.endpoint_id) > (w.tenant_id, w.endpoint_id)
             ORDER BY q.tenant_id, q.endpoint_id, q.next_at LIMIT 1) later
     WHERE w.n < $3::int8
)
SELECT w.tenant_id, w.endpoint_id, head.due, head.lost, w.next_at
  FROM waiting w
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE front.lease_until IS NULL) AS due,
               coalesce(bool_or(front.lease_until IS NOT NULL), false) AS lost
          FROM (SELECT q.lease_until
                  FROM delivery_queue q
                 WHERE q.tenant_id = w.tenant_id AND q.endpoint_id = w.endpoint_id
                   AND q.next_at >= w.next_at AND q.next_at <= now()
                   AND (q.lease_until IS NULL OR q.lease_until < now())
                 ORDER BY q.next_at LIMIT $4::int8) front) head
 ORDER BY w.tenant_id, w.endpoint_id

--- lock_delivery (enabled boolean, deleted boolean, kept boolean)
SELECT e.enabled, e.deleted_at IS NOT NULL AS deleted,
       EXISTS (SELECT FROM stored_events s WHERE s.tenant_id = d.tenant_id AND s.id = d.event_id) AS kept
  FROM deliveries d
  JOIN endpoints e ON e.tenant_id = d.tenant_id AND e.id = d.endpoint_id
 WHERE d.tenant_id = $1::text AND d.id = $2::text
   FOR UPDATE OF d

--- lock_endpoint (id text, url text, events text[], description text, enabled boolean, disabled_reason text, created_at timestamp with time zone, secret_sealed bytea)
SELECT id, url, events, description, enabled, disabled_reason, created_at, secret_sealed
  FROM endpoints
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
   FOR UPDATE

--- lock_queued ()
-- Whoever changes both locks the queue's row first, then the log's.
SELECT FROM delivery_queue WHERE tenant_id = $1::text AND delivery_id = $2::text FOR UPDATE

--- lock_tenant (pg_advisory_xact_lock void)
-- Endpoints of one tenant are made one at a time, so that their number can be bounded.
SELECT pg_advisory_xact_lock(hashtextextended('obol.webhooks.endpoints/' || $1::text, 0))

--- make_room (deliveries_make_room bigint)
SELECT deliveries_make_room()

--- match_endpoints (tenant_id text, id text, url text, events text[])
-- Held until the deliveries are in: whoever disables an endpoint then sees them and fails them.
SELECT tenant_id, id, url, events
  FROM endpoints
 WHERE tenant_id = ANY ($1::text[]) AND enabled AND deleted_at IS NULL
 ORDER BY tenant_id, id
   FOR SHARE

--- next_endpoint_sequence (id text, url text, events text[], description text, enabled boolean, disabled_reason text, created_at timestamp with time zone, sequence bigint)
UPDATE endpoints
   SET sequence = sequence + 1
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
RETURNING id, url, events, description, enabled, disabled_reason, created_at, sequence

--- old_secrets_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, t.tenant_id || '/' || t.id, CASE WHEN get_byte(t.old_secret_sealed, 1) <> $1::bigint THEN t.old_secret_sealed END
FROM endpoints t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- old_secrets_reseal ()
UPDATE endpoints t SET old_secret_sealed = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.old_secret_sealed = k.old

--- recover_leases ()
-- Attempts whose process died: they count, and the next one comes by the schedule ($3, seconds). $4: at most so many
-- of one endpoint.
WITH lost AS (
    SELECT l.*, l.attempts >= l.max_attempts AS spent
      FROM unnest($1::text[], $2::text[]) AS w (tenant_id, endpoint_id)
     CROSS JOIN LATERAL (
            SELECT q.tenant_id, q.delivery_id, q.attempts, q.schedule_start, q.max_attempts, q.started_at
              FROM delivery_queue q
             WHERE q.tenant_id = w.tenant_id AND q.endpoint_id = w.endpoint_id
               AND q.next_at <= now() AND q.lease_until < now()
             ORDER BY q.next_at LIMIT $4::int8
               FOR UPDATE SKIP LOCKED) l
), logged AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, number, started_at, error)
    SELECT tenant_id, delivery_id, attempts, started_at, 'No outcome was recorded.' FROM lost
        ON CONFLICT (tenant_id, delivery_id, number) DO NOTHING
), closed AS (
    DELETE FROM delivery_queue q
     USING lost
     WHERE q.tenant_id = lost.tenant_id AND q.delivery_id = lost.delivery_id AND lost.spent
), freed AS (
    UPDATE delivery_queue q
       SET started_at = NULL, lease_until = NULL,
           next_at = now() + ($3::int8[])[least(q.attempts - q.schedule_start + 1, cardinality($3::int8[]))]
                                 * interval '1 second'
      FROM lost
     WHERE q.tenant_id = lost.tenant_id AND q.delivery_id = lost.delivery_id AND NOT lost.spent
)
UPDATE deliveries d
   SET status = CASE WHEN lost.spent THEN 'failed' ELSE 'pending' END,
       attempts = greatest(d.attempts, lost.attempts),
       finished_at = CASE WHEN lost.spent THEN now() END, last_error = 'No outcome was recorded.'
  FROM lost
 WHERE d.tenant_id = lost.tenant_id AND d.id = lost.delivery_id

--- retry_delivery ()
-- An attempt that is out keeps its lease: it isn't sent twice at once. One that is lost is then found so.
WITH queued AS (
    SELECT attempts FROM delivery_queue WHERE tenant_id = $1::text AND delivery_id = $2::text
), again AS (
    UPDATE deliveries d
       SET status = 'pending', delivered_at = NULL, finished_at = NULL,
           attempts = coalesce((SELECT attempts FROM queued), d.attempts),
           max_attempts = coalesce((SELECT attempts FROM queued), d.attempts) + $3::int8
     WHERE d.tenant_id = $1::text AND d.id = $2::text
    RETURNING d.tenant_id, d.id, d.endpoint_id, d.event_id, d.attempts, d.max_attempts
)
INSERT INTO delivery_queue AS q (tenant_id, delivery_id, endpoint_id, event_id, attempts, schedule_start, max_attempts,
                                 next_at)
SELECT tenant_id, id, endpoint_id, event_id, attempts, attempts, max_attempts, now()
  FROM again
    ON CONFLICT (tenant_id, delivery_id) DO UPDATE
   SET schedule_start = excluded.schedule_start, max_attempts = excluded.max_attempts,
       next_at = CASE WHEN q.lease_until IS NULL THEN now() ELSE q.next_at END

--- rotate_secret ()
UPDATE endpoints
   SET old_secret_sealed = CASE WHEN $4::timestamptz > now() THEN secret_sealed END,
       old_secret_until = CASE WHEN $4::timestamptz > now() THEN $4::timestamptz END,
       secret_sealed = $3::bytea
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL

--- secrets_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, t.tenant_id || '/' || t.id, CASE WHEN t.secret_sealed <> '' AND get_byte(t.secret_sealed, 1) <> $1::bigint THEN t.secret_sealed END
FROM endpoints t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- secrets_reseal ()
UPDATE endpoints t SET secret_sealed = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.secret_sealed = k.old

--- stored_events_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'event:' || t.id, CASE WHEN t.body <> '' AND (get_byte(t.body, 0) <> 1 OR get_byte(t.body, 1) <> $1::bigint) THEN t.body END
FROM stored_events t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- stored_events_reseal ()
UPDATE stored_events t SET body = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.body = k.old

--- sweep_attempts ()
-- What lies outside the monthly partitions is removed row by row.
DELETE FROM delivery_attempts_default
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM delivery_attempts_default WHERE delivery_id < $1::text LIMIT $2::int8))

--- sweep_deliveries ()
-- What lies outside the monthly partitions is removed row by row.
DELETE FROM deliveries_default
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM deliveries_default WHERE id < $1::text LIMIT $2::int8))

--- sweep_queue ()
-- Nobody can look at them any more: their log has gone.
DELETE FROM delivery_queue
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM delivery_queue WHERE delivery_id < $1::text LIMIT $2::int8))

--- sweep_stored_events ()
-- What lies outside the monthly partitions is removed row by row.
DELETE FROM stored_events_default
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM stored_events_default WHERE id < $1::text LIMIT $2::int8))

--- touch_endpoints ()
-- Written only where it changes: the row is read by every intake.
UPDATE endpoints e
   SET failing_since = CASE WHEN o.worked THEN NULL ELSE now() END
  FROM unnest($1::text[], $2::text[], $3::bool[]) AS o (tenant_id, id, worked)
 WHERE e.tenant_id = o.tenant_id AND e.id = o.id
   AND (CASE WHEN o.worked THEN e.failing_since IS NOT NULL ELSE e.failing_since IS NULL END)

--- update_endpoint ()
UPDATE endpoints
   SET url = $3::text, events = $4::text[], description = $5::text, enabled = $6::bool,
       disabled_reason = $7::text,
       failing_since = CASE WHEN $6::bool AND NOT enabled THEN NULL ELSE failing_since END
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
