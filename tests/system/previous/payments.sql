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

--- attempts_finish ()
UPDATE operation_attempts a
SET finished_at = $7::timestamptz, outcome = u.outcome, duration_us = u.duration_us,
    http_status = u.http_status
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
    AS u(tenant_id, operation_id, attempt, outcome, duration_us, http_status)
WHERE a.tenant_id = u.tenant_id AND a.operation_id = u.operation_id AND a.attempt = u.attempt

--- book_left_over (id text, payment_id text, provider_reference text, kind text, amount bigint, currency text, status text, finished_at timestamp with time zone, created_at timestamp with time zone, stage bigint, method text, vpa text, msisdn text, network text, capture text, id text, provider_reference text, amount bigint, status text, personal bytea, tenant_id text)
-- What the newest settlement file of the day before $4 did not show yet. Columns as in book_page.
WITH newest AS (
    SELECT r.left_over
    FROM reconciliations r
    WHERE r.tenant_id = $1::text AND r.provider = $2::text
        AND r.credential_id IS NOT DISTINCT FROM $3::text AND r.day = $4::text::date - 1
        AND r.source = 'csv'
    ORDER BY r.created_at DESC, r.id DESC
    LIMIT 1
)
SELECT
    o.id, o.payment_id, o.provider_reference, o.kind, o.amount, o.currency, o.status,
    o.finished_at, o.created_at, o.stage, p.method, p.vpa, p.msisdn, p.network, p.capture, c.id,
    c.provider_reference, p.amount, p.status, p.personal, p.tenant_id
FROM newest
CROSS JOIN LATERAL unnest(newest.left_over) AS k(id)
JOIN operations o ON o.tenant_id = $1 AND o.id = k.id
JOIN payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id
LEFT JOIN operations c ON c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id

--- book_names (id text, provider_reference text, kind text)
-- $3 NULL: the simulator's.
SELECT o.id, o.provider_reference, o.kind
FROM operations o
WHERE o.tenant_id = $1::text AND o.id > $4::text AND o.provider = $2::text
    AND o.credential_id IS NOT DISTINCT FROM $3::text
ORDER BY o.id
LIMIT $5::bigint

--- book_page (id text, payment_id text, provider_reference text, kind text, amount bigint, currency text, status text, finished_at timestamp with time zone, created_at timestamp with time zone, stage bigint, method text, vpa text, msisdn text, network text, capture text, id text, provider_reference text, amount bigint, status text, personal bytea, tenant_id text)
-- What is final of one day, for reconciliation. $3 NULL: the simulator's.
SELECT
    o.id, o.payment_id, o.provider_reference, o.kind, o.amount, o.currency, o.status,
    o.finished_at, o.created_at, o.stage, p.method, p.vpa, p.msisdn, p.network, p.capture, c.id,
    c.provider_reference, p.amount, p.status, p.personal, p.tenant_id
FROM operations o
JOIN payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id
LEFT JOIN operations c ON c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id
WHERE o.tenant_id = $1::text AND o.provider = $2::text
    AND o.credential_id IS NOT DISTINCT FROM $3::text
    AND o.finished_at >= $4::timestamptz AND o.finished_at < $5::timestamptz
    AND (o.finished_at, o.id) > ($6::timestamptz, $7::text)
    AND o.kind IN ('charge', 'refund') AND o.status IN ('succeeded', 'failed', 'released')
ORDER BY o.finished_at, o.id
LIMIT $8::bigint

--- book_until (until_at timestamp with time zone)
-- How far our books were read for the newest file of the day before $4.
SELECT r.until_at
FROM reconciliations r
WHERE r.tenant_id = $1::text AND r.provider = $2::text
    AND r.credential_id IS NOT DISTINCT FROM $3::text AND r.day = $4::text::date - 1
    AND r.source = 'csv'
ORDER BY r.created_at DESC, r.id DESC
LIMIT 1

--- callback_counts_add ()
-- Sorted by key, so that no two replicas wait for each other crosswise.
INSERT INTO callback_counts AS c (tenant_id, provider, outcome, n, last_at)
SELECT u.tenant_id, u.provider, u.outcome, u.n, u.last_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
    AS u(tenant_id, provider, outcome, n, last_at)
ON CONFLICT (tenant_id, provider, outcome) DO UPDATE
SET n = c.n + excluded.n, last_at = greatest(c.last_at, excluded.last_at)

--- callback_counts_get (outcome text, sum bigint, max timestamp with time zone)
SELECT c.outcome, sum(c.n)::bigint, max(c.last_at)
FROM callback_counts c
WHERE c.tenant_id = ANY ($1::text[]) AND c.provider = $2::text
GROUP BY c.outcome
ORDER BY c.outcome

--- callbacks_take (place bigint, coalesce boolean, ?column? boolean, case text)
-- $1: references of ours, sorted, $2: who named each, $3: whose they are ('' where nobody knows).
-- The state comes from the query that this brings forward, never from a callback. What a processor
-- is at is marked, and due when it is done. The commit does not wait for the disk ($5): it is the
-- statement's own, and without a callback too the operation is asked about.
WITH named AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        WITH ORDINALITY AS k(id, provider, tenant_id, place)
), meant AS (
    SELECT q.tenant_id, q.id
    FROM named k
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM operations_queue d
        WHERE d.id = k.id AND (k.tenant_id = '' OR d.tenant_id = k.tenant_id) AND NOT d.rung
            AND (d.due_at > $4::timestamptz OR d.lease_until > $4)
            AND EXISTS (SELECT FROM operations o WHERE o.tenant_id = d.tenant_id AND o.id = d.id
                AND o.provider = k.provider AND o.status <> 'ready')
        FOR UPDATE
    ) q
), brought AS (
    UPDATE operations_queue q
    SET due_at = CASE WHEN q.lease_until > $4 THEN q.due_at ELSE $4 END,
        rung = coalesce(q.lease_until > $4, false)
    FROM meant m
    -- By key and not by place: whoever held the row while we waited has moved it.
    WHERE q.tenant_id = m.tenant_id AND q.id = m.id
)
SELECT
    k.place, coalesce(open.yes, false), k.tenant_id = '' OR coalesce(open.yes, known.yes, false),
    CASE WHEN $5::boolean THEN set_config('synchronous_commit', 'off', true) END
FROM named k
LEFT JOIN LATERAL (
    SELECT true AS yes
    FROM operations_queue d
    JOIN operations o ON o.tenant_id = d.tenant_id AND o.id = d.id AND o.provider = k.provider
    WHERE d.id = k.id AND (k.tenant_id = '' OR d.tenant_id = k.tenant_id)
    LIMIT 1
) open ON true
LEFT JOIN LATERAL (
    SELECT true AS yes FROM operations o
    WHERE open.yes IS NULL AND k.tenant_id <> '' AND o.tenant_id = k.tenant_id AND o.id = k.id
    LIMIT 1
) known ON true

--- card_tokens_get (provider text, provider_token bytea, brand text, last4 text, expiry_month bigint, expiry_year bigint, place bigint, credential_id text, fingerprint bytea)
SELECT t.provider, t.provider_token, t.brand, t.last4, t.expiry_month, t.expiry_year, k.place,
    t.credential_id, t.fingerprint
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(tenant_id, id, place)
JOIN card_tokens t ON t.tenant_id = k.tenant_id AND t.id = k.id AND t.expires_at > $3::timestamptz

--- card_tokens_insert ()
INSERT INTO card_tokens (tenant_id, id, provider, provider_token, brand, last4, expiry_month,
    expiry_year, fingerprint, created_at, expires_at, credential_id)
VALUES ($1::text, $2::text, $3::text, $4::bytea, $5::text, $6::text, $7::bigint, $8::bigint,
    $9::bytea, $10::timestamptz, $11::timestamptz, $12::text)
ON CONFLICT (tenant_id, id) DO NOTHING

--- card_tokens_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'card_token:' || t.tenant_id || '/' || t.id, CASE WHEN get_byte(t.provider_token, 1) <> $1::bigint THEN t.provider_token END
FROM card_tokens t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- card_tokens_reseal ()
UPDATE card_tokens t SET provider_token = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.provider_token = k.old

--- card_tokens_sweep ()
DELETE FROM card_tokens t
WHERE (t.tenant_id, t.id) IN (
    SELECT s.tenant_id, s.id FROM card_tokens s WHERE s.expires_at < $1::timestamptz
    ORDER BY s.expires_at LIMIT $2::bigint)

--- commit_relaxed (set_config text)
-- This transaction's COMMIT does not wait for the disk: for what would come about without it too.
SELECT set_config('synchronous_commit', 'off', true)

--- credentials_list (id text, provider text, label text, live boolean, enabled boolean, fields bytea, field_names text[], created_at timestamp with time zone, updated_at timestamp with time zone)
SELECT id, provider, label, live, enabled, fields, field_names, created_at, updated_at
  FROM provider_credentials
 WHERE tenant_id = $1::text
 ORDER BY id

--- credentials_owner (tenant_id text)
SELECT tenant_id FROM provider_credentials WHERE id = $1::text

--- credentials_put ()
INSERT INTO provider_credentials
       (tenant_id, id, provider, live, enabled, label, fields, field_names, created_at, updated_at)
VALUES ($1::text, $2::text, $3::text, $4::bool, $5::bool, $6::text, $7::bytea, $8::text[], $9::timestamptz,
        $10::timestamptz)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET enabled = excluded.enabled, label = excluded.label, fields = excluded.fields,
       field_names = excluded.field_names, updated_at = excluded.updated_at

--- jobs_count (count bigint, count bigint, count bigint, count bigint)
-- $1: a tenant, or '' for all; $2: the last day's begin.
SELECT
    (SELECT count(*) FROM operations_queue q JOIN operations o ON o.tenant_id = q.tenant_id
        AND o.id = q.id WHERE ($1::text = '' OR q.tenant_id = $1) AND o.status = 'ready'),
    (SELECT count(*) FROM operations_queue q JOIN operations o ON o.tenant_id = q.tenant_id
        AND o.id = q.id WHERE ($1 = '' OR q.tenant_id = $1) AND o.status IN ('sent', 'unknown')),
    (SELECT count(*) FROM operations o WHERE ($1 = '' OR o.tenant_id = $1)
        AND o.finished_at > $2::timestamptz AND o.status = 'succeeded'),
    (SELECT count(*) FROM operations o WHERE ($1 = '' OR o.tenant_id = $1)
        AND o.finished_at > $2 AND o.status = 'failed')

--- limits_list (currency text, minimum bigint, maximum bigint, daily bigint, review_above bigint)
SELECT currency, minimum, maximum, daily, review_above
  FROM tenant_limits
 WHERE tenant_id = $1::text
 ORDER BY currency

--- limits_put ()
INSERT INTO tenant_limits (tenant_id, currency, minimum, maximum, daily, review_above)
VALUES ($1::text, $2::text, $3::int8, $4::int8, $5::int8, $6::int8)
ON CONFLICT (tenant_id, currency) DO UPDATE
   SET minimum = excluded.minimum, maximum = excluded.maximum, daily = excluded.daily,
       review_above = excluded.review_above

--- limits_remove ()
DELETE FROM tenant_limits WHERE tenant_id = $1::text AND currency = $2::text

--- operation_tokens_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'card_token:' || t.tenant_id || '/' || (
        SELECT p.card_token FROM payments p WHERE p.tenant_id = t.tenant_id AND p.id = t.payment_id),
    CASE WHEN get_byte(t.provider_token, 1) <> $1::bigint THEN t.provider_token END
FROM operations t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- operation_tokens_reseal ()
UPDATE operations t SET provider_token = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.provider_token = k.old

--- operations_by_refund (tenant_id text, id text, payment_id text, kind text, refund_id text, amount bigint, currency text, provider text, status text, accepted boolean, acting boolean, attempts bigint, queries bigint, revision bigint, lease_until timestamp with time zone, sent_at timestamp with time zone, due_at timestamp with time zone, deadline_at timestamp with time zone, created_at timestamp with time zone, finished_at timestamp with time zone, error_code text, error_message text, request_id text, traceparent text, credential_id text, provider_reference text, stage bigint, lease_ms bigint)
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, q.queries, o.revision, q.lease_until, o.sent_at,
    q.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, q.lease_ms
FROM unnest($1::text[], $2::text[]) AS k(tenant_id, refund_id)
JOIN operations o ON o.tenant_id = k.tenant_id AND o.refund_id = k.refund_id
LEFT JOIN operations_queue q ON q.id = o.id

--- operations_claim (tenant_id text, id text, payment_id text, kind text, refund_id text, amount bigint, currency text, provider text, status text, accepted boolean, acting boolean, attempts bigint, queries bigint, revision bigint, lease_until timestamp with time zone, sent_at timestamp with time zone, due_at timestamp with time zone, deadline_at timestamp with time zone, created_at timestamp with time zone, finished_at timestamp with time zone, error_code text, error_message text, request_id text, traceparent text, credential_id text, provider_reference text, stage bigint, lease_ms bigint, ?column? boolean, provider_token bytea, testimony bytea, card_token text, method text, vpa text, capture text, charge_operation_id text, amount bigint, msisdn text, network text, return_url text, description text, customer_email text, customer_phone text, customer_name text, ?column? boolean, case text, personal bytea)
-- What was taken, each under its lease ($3). What is ready will be sent; everything else was sent
-- before and is only asked about.
WITH taken AS (
    SELECT q.tenant_id, q.id, q.due_at, q.lease_until, q.queries, q.lease_ms
    FROM unnest($1::text[], $3::timestamptz[]) AS k(id, lease_until)
    CROSS JOIN LATERAL (
        SELECT * FROM operations_queue d
        WHERE d.id = k.id AND d.lease_until = k.lease_until
        OFFSET 0
    ) q
), sent AS (
    UPDATE operations o
    SET status = 'sent', sent_at = $2::timestamptz, attempts = o.attempts + 1
    FROM taken t
    WHERE o.tenant_id = t.tenant_id AND o.id = t.id AND o.status = 'ready'
    RETURNING o.*, t.queries, t.lease_until, t.due_at, t.lease_ms
), attempt AS (
    INSERT INTO operation_attempts (tenant_id, operation_id, attempt, sent_at)
    SELECT s.tenant_id, s.id, s.attempts, $2 FROM sent s
)
SELECT
    s.tenant_id, s.id, s.payment_id, s.kind, s.refund_id, s.amount, s.currency, s.provider,
    s.status, s.accepted, s.acting, s.attempts, s.queries, s.revision, s.lease_until, s.sent_at,
    s.due_at, s.deadline_at, s.created_at, s.finished_at, s.error_code, s.error_message,
    s.request_id, s.traceparent, s.credential_id, s.provider_reference, s.stage, s.lease_ms,
    true, s.provider_token, s.testimony, p.card_token, p.method, p.vpa, p.capture,
    p.charge_operation_id, p.amount, p.msisdn, p.network, p.return_url, p.description,
    p.customer_email, p.customer_phone, p.customer_name, p.status = 'pending',
    CASE WHEN s.kind <> 'charge' THEN (SELECT c.provider_reference FROM operations c
        WHERE c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id) END,
    p.personal
FROM sent s
JOIN payments p ON p.tenant_id = s.tenant_id AND p.id = s.payment_id
UNION ALL
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, t.queries, o.revision, t.lease_until, o.sent_at,
    t.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, t.lease_ms,
    false, o.provider_token, o.testimony, p.card_token, p.method, p.vpa, p.capture,
    p.charge_operation_id, p.amount, p.msisdn, p.network, p.return_url, p.description,
    p.customer_email, p.customer_phone, p.customer_name, p.status = 'pending',
    CASE WHEN o.kind <> 'charge' THEN (SELECT c.provider_reference FROM operations c
        WHERE c.tenant_id = p.tenant_id AND c.id = p.charge_operation_id) END,
    p.personal
FROM taken t
JOIN operations o ON o.tenant_id = t.tenant_id AND o.id = t.id AND o.status <> 'ready'
JOIN payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id

--- operations_finish_live (kind text, amount bigint)
-- What a person has decided about. The queue's row before the operation's, as everywhere.
WITH live AS (
    SELECT o.tenant_id, o.id
    FROM operations o
    WHERE o.tenant_id = $1::text AND o.payment_id = $2::text
        AND o.kind IN ('charge', 'capture', 'cancel') AND o.finished_at IS NULL
), gone AS (
    DELETE FROM operations_queue q
    USING live l
    WHERE q.id = l.id
    RETURNING q.id
)
UPDATE operations o
SET status = $3::text, deadline_at = NULL, acting = false, finished_at = $4::timestamptz,
    provider_reference = coalesce($5::text, o.provider_reference),
    revision = o.revision + 1, error_code = CASE WHEN $3 = 'failed' THEN 'resolved' END
WHERE o.tenant_id = $1 AND o.payment_id = $2 AND o.kind IN ('charge', 'capture', 'cancel')
    AND o.finished_at IS NULL AND (SELECT count(*) FROM gone) >= 0
RETURNING o.kind, o.amount

--- operations_give_back ()
-- What was taken ($1, each under its lease $2) and finds no place is looked at again at $3.
UPDATE operations_queue q
SET lease_until = NULL, due_at = $3::timestamptz
FROM unnest($1::text[], $2::timestamptz[]) AS k(id, lease_until)
WHERE q.id = k.id AND q.lease_until = k.lease_until

--- operations_hold_back (tenant_id text, id text, payment_id text, kind text, refund_id text, amount bigint, currency text, provider text, status text, accepted boolean, acting boolean, attempts bigint, queries bigint, revision bigint, lease_until timestamp with time zone, sent_at timestamp with time zone, due_at timestamp with time zone, deadline_at timestamp with time zone, created_at timestamp with time zone, finished_at timestamp with time zone, error_code text, error_message text, request_id text, traceparent text, credential_id text, provider_reference text, stage bigint, lease_ms bigint)
-- Of what was taken ($1, each under its lease $2) and is ready: what goes to a credential whose circuit
-- is not closed ($3; '' is the simulator's), beyond the requests that it has room for ($4), is given
-- back and looked at again at $5.
WITH shut AS (
    SELECT b.credential_id, b.room FROM unnest($3::text[], $4::bigint[]) AS b(credential_id, room)
), ready AS (
    SELECT o.tenant_id, o.id, s.room,
        row_number() OVER (PARTITION BY s.credential_id ORDER BY o.id) AS place
    FROM unnest($1::text[], $2::timestamptz[]) AS k(id, lease_until)
    JOIN operations_queue q ON q.id = k.id AND q.lease_until = k.lease_until
    JOIN operations o ON o.tenant_id = q.tenant_id AND o.id = q.id AND o.status = 'ready'
    JOIN shut s ON s.credential_id = coalesce(o.credential_id, '')
), back AS (
    UPDATE operations_queue q
    SET lease_until = NULL, due_at = $5::timestamptz
    FROM ready r
    WHERE q.id = r.id AND q.tenant_id = r.tenant_id AND r.place > r.room
    RETURNING q.*
)
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, b.queries, o.revision, b.lease_until, o.sent_at,
    b.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, b.lease_ms
FROM back b
JOIN operations o ON o.tenant_id = b.tenant_id AND o.id = b.id

--- operations_insert ()
-- The loser of a race for the refund's id, or for being the payment's one live act, gets no row.
WITH new AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
            $7::text[], $8::text[], $9::text[], $10::text[], $12::text[], $13::bigint[])
        AS u(tenant_id, id, payment_id, kind, refund_id, amount, currency, provider, request_id,
            traceparent, credential_id, lease_ms)
), made AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, refund_id, amount, currency, provider,
        credential_id, request_id, traceparent, created_at)
    SELECT n.tenant_id, n.id, n.payment_id, n.kind, n.refund_id, n.amount, n.currency, n.provider,
        n.credential_id, n.request_id, n.traceparent, $11::timestamptz
    FROM new n
    ORDER BY n.tenant_id, n.refund_id
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, id
)
INSERT INTO operations_queue (tenant_id, id, due_at, lease_ms)
SELECT m.tenant_id, m.id, $11, n.lease_ms FROM made m JOIN new n USING (tenant_id, id)

--- operations_lock (tenant_id text, id text, payment_id text, kind text, refund_id text, amount bigint, currency text, provider text, status text, accepted boolean, acting boolean, attempts bigint, queries bigint, revision bigint, lease_until timestamp with time zone, sent_at timestamp with time zone, due_at timestamp with time zone, deadline_at timestamp with time zone, created_at timestamp with time zone, finished_at timestamp with time zone, error_code text, error_message text, request_id text, traceparent text, credential_id text, provider_reference text, stage bigint, lease_ms bigint)
-- Those that are open still. The queue's row before the operation's, as everywhere, and by id, as
-- callbacks do: so nobody waits crosswise.
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, q.queries, o.revision, q.lease_until, o.sent_at,
    q.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, q.lease_ms
FROM (SELECT k.id FROM unnest($1::text[]) AS k(id) ORDER BY k.id COLLATE "C") AS k
CROSS JOIN LATERAL (SELECT * FROM operations_queue d WHERE d.id = k.id FOR UPDATE) q
JOIN operations o ON o.tenant_id = q.tenant_id AND o.id = q.id
ORDER BY o.id, o.tenant_id
FOR UPDATE OF o

--- operations_lock_refund (tenant_id text, id text, payment_id text, kind text, refund_id text, amount bigint, currency text, provider text, status text, accepted boolean, acting boolean, attempts bigint, queries bigint, revision bigint, lease_until timestamp with time zone, sent_at timestamp with time zone, due_at timestamp with time zone, deadline_at timestamp with time zone, created_at timestamp with time zone, finished_at timestamp with time zone, error_code text, error_message text, request_id text, traceparent text, credential_id text, provider_reference text, stage bigint, lease_ms bigint)
-- The queue's row before the operation's, as everywhere.
WITH queued AS MATERIALIZED (
    SELECT q.queries, q.lease_until, q.due_at, q.lease_ms
    FROM operations k
    JOIN operations_queue q ON q.id = k.id
    WHERE k.tenant_id = $1::text AND k.refund_id = $2::text
    FOR UPDATE OF q
)
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, q.queries, o.revision, q.lease_until, o.sent_at,
    q.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, q.lease_ms
FROM operations o
LEFT JOIN queued q ON true
WHERE o.tenant_id = $1::text AND o.refund_id = $2::text
FOR UPDATE OF o

--- operations_nudge ()
-- The act that is under way of each payment ($2, of tenant $1) is due now, unless a processor is at
-- it or it was asked about since $4. What another holds is being seen to: nobody waits here.
WITH open AS (
    SELECT q.tenant_id, q.id
    FROM unnest($1::text[], $2::text[]) AS k(tenant_id, payment_id)
    CROSS JOIN LATERAL (
        SELECT a.tenant_id, a.id
        FROM operations a
        WHERE a.tenant_id = k.tenant_id AND a.payment_id = k.payment_id
            AND a.kind IN ('charge', 'capture', 'cancel') AND a.finished_at IS NULL
            AND a.status IN ('sent', 'unknown')
        LIMIT 1
    ) o
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM operations_queue d
        WHERE d.id = o.id AND d.tenant_id = o.tenant_id AND d.due_at > $3::timestamptz
            AND (d.lease_until IS NULL OR d.lease_until <= $3)
            AND (d.asked_at IS NULL OR d.asked_at <= $4::timestamptz)
        FOR UPDATE SKIP LOCKED
    ) q
)
UPDATE operations_queue q
SET due_at = $3
FROM open p
WHERE q.tenant_id = p.tenant_id AND q.id = p.id

--- operations_recharge ()
-- Where the old one took its lease from the queue, the new one is not known to need less.
WITH made AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, amount, currency, provider,
        credential_id, provider_token, request_id, traceparent, created_at)
    SELECT o.tenant_id, $4::text, o.payment_id, 'charge', o.amount, o.currency, o.provider,
        o.credential_id, o.provider_token, o.request_id, o.traceparent, $5::timestamptz
    FROM operations o
    WHERE o.tenant_id = $1::text AND o.payment_id = $2::text AND o.id = $3::text
    RETURNING tenant_id, id
)
INSERT INTO operations_queue (tenant_id, id, due_at, lease_ms)
SELECT tenant_id, id, $5, $6::bigint FROM made

--- operations_reference (provider_reference text)
SELECT o.provider_reference FROM operations o WHERE o.tenant_id = $1::text AND o.id = $2::text

--- operations_take (tenant_id text, id text, lease_until timestamp with time zone, lease_ms bigint)
-- Leases what is due and free, each for as long as its provider may take ($5 milliseconds where the
-- row doesn't say): at most $3 of a tenant and $4 in all, beginning after
-- tenant $2, the oldest first.
-- The queue is empty at times, and a plan made then must not be a bad one later: so its rows are
-- reached by id alone from a LATERAL that stays as it is, and changed by their place.
WITH RECURSIVE tenants AS (
    (SELECT q.tenant_id FROM operations_queue q ORDER BY q.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.tenant_id FROM operations_queue q
        WHERE q.tenant_id > t.tenant_id ORDER BY q.tenant_id LIMIT 1)
    FROM tenants t
    WHERE t.tenant_id IS NOT NULL
), turn AS (
    SELECT t.tenant_id FROM tenants t WHERE t.tenant_id IS NOT NULL
    ORDER BY t.tenant_id <= $2::text, t.tenant_id
), picked AS (
    SELECT o.place
    FROM turn t
    CROSS JOIN LATERAL (
        SELECT d.ctid AS place
        FROM operations_queue d
        WHERE d.tenant_id = t.tenant_id AND d.due_at <= $1::timestamptz
            AND (d.lease_until IS NULL OR d.lease_until <= $1)
        ORDER BY d.due_at
        LIMIT $3::bigint
        FOR UPDATE SKIP LOCKED
    ) o
    LIMIT $4::bigint
)
UPDATE operations_queue q
SET lease_until = $1 + coalesce(q.lease_ms, $5::bigint) * interval '1 millisecond',
    queries = q.queries + 1, rung = false, asked_at = $1
FROM picked p
WHERE q.ctid = p.place
RETURNING q.tenant_id, q.id, q.lease_until, q.lease_ms

--- operations_take_back ()
-- Only what no processor has taken: a claim commits before anything is sent. Where no row changes,
-- the caller rolls back.
WITH gone AS (
    DELETE FROM operations_queue q
    USING operations o
    WHERE q.id = $3::text AND q.lease_until IS NULL
        AND o.tenant_id = $1::text AND o.id = q.id AND o.status = 'ready'
    RETURNING q.tenant_id, q.id
)
UPDATE operations o
SET status = 'released', finished_at = $4::timestamptz, revision = o.revision + 1
FROM gone g
WHERE o.tenant_id = g.tenant_id AND o.payment_id = $2::text AND o.id = g.id
    AND o.status = 'ready' AND o.attempts = 0

--- operations_testify ()
-- What a provider told ($5) of operations ($1, sorted, of tenant $2) that it can't be asked about.
-- Late ones count too: what is looked at still, by a person or for late payers, is in the queue. Its
-- row is locked first, as everywhere.
WITH open AS (
    SELECT q.tenant_id, q.id, k.body
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
        AS k(id, tenant_id, provider, credential_id, body)
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id
        FROM operations_queue d
        WHERE d.id = k.id AND d.tenant_id = k.tenant_id
            AND EXISTS (SELECT FROM operations o WHERE o.tenant_id = d.tenant_id AND o.id = d.id
                AND o.provider = k.provider AND o.credential_id = k.credential_id)
        FOR UPDATE
    ) q
)
UPDATE operations o
SET testimony = p.body
FROM open p
WHERE o.tenant_id = p.tenant_id AND o.id = p.id

--- operations_tombstone ()
-- For a refund that may still come: a late reserve finds it and is refused.
INSERT INTO operations (tenant_id, id, payment_id, kind, refund_id, amount, currency, provider,
    status,
    created_at, finished_at)
VALUES ($1::text, $2::text, $3::text, 'refund', $4::text, 0, '', '', 'released', $5::timestamptz,
    $5)
ON CONFLICT DO NOTHING

--- operations_update ()
-- Rows that the caller has locked. $13: now. What was rung while a processor was at it is due at
-- once.
WITH u AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::boolean[], $6::bigint[],
            $7::bigint[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[],
            $12::text[], $14::text[], $15::bigint[])
        AS u(tenant_id, id, status, accepted, acting, queries, revision, due_at, deadline_at,
            finished_at, error_code, error_message, provider_reference, stage)
), queued AS (
    SELECT q.place, u.due_at, u.queries
    FROM u
    CROSS JOIN LATERAL (
        SELECT d.ctid AS place FROM operations_queue d WHERE d.id = u.id OFFSET 0
    ) q
), gone AS (
    DELETE FROM operations_queue q
    USING queued u
    WHERE q.ctid = u.place AND u.due_at IS NULL
), later AS (
    UPDATE operations_queue q
    SET lease_until = NULL, queries = u.queries, rung = false,
        due_at = CASE WHEN q.rung THEN $13::timestamptz ELSE u.due_at END
    FROM queued u
    WHERE q.ctid = u.place AND u.due_at IS NOT NULL
)
UPDATE operations o
SET status = u.status, accepted = u.accepted, acting = u.acting, revision = u.revision,
    deadline_at = u.deadline_at, finished_at = u.finished_at, stage = u.stage,
    provider_reference = u.provider_reference,
    -- A card's token has done its part once it is charged.
    provider_token = CASE WHEN u.status = 'succeeded' THEN NULL ELSE o.provider_token END,
    error_code = u.error_code, error_message = u.error_message
FROM u
WHERE o.tenant_id = u.tenant_id AND o.id = u.id
    -- A query that told nothing new leaves the row alone.
    AND (o.status, o.revision, o.accepted, o.acting, o.deadline_at, o.provider_reference, o.stage)
        IS DISTINCT FROM (u.status, u.revision, u.accepted, u.acting, u.deadline_at,
            u.provider_reference, u.stage)

--- orders_follow ()
-- Orders follow their payments: paid, or free for another try.
WITH wanted AS (
    SELECT o.tenant_id, o.id, k.payment_id, k.paid
    FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) AS k(tenant_id, id, payment_id,
        paid)
    JOIN orders o ON o.tenant_id = k.tenant_id AND o.id = k.id
    WHERE NOT o.reusable AND (k.paid OR o.active_payment_id = k.payment_id)
    ORDER BY o.tenant_id, o.id
    FOR NO KEY UPDATE OF o
)
UPDATE orders o
SET status = CASE WHEN w.paid THEN 'paid' ELSE o.status END,
    active_payment_id = CASE WHEN o.active_payment_id = w.payment_id THEN NULL ELSE
            o.active_payment_id END
FROM wanted w
WHERE o.tenant_id = w.tenant_id AND o.id = w.id

--- orders_get (tenant_id text, id text, amount bigint, currency text, receipt text, notes text, status text, reusable boolean, active_payment_id text, created_at timestamp with time zone, place bigint)
SELECT
    o.tenant_id, o.id, o.amount, o.currency, o.receipt, o.notes::text, o.status, o.reusable,
    o.active_payment_id, o.created_at,
    k.place
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(tenant_id, id, place)
JOIN orders o ON o.tenant_id = k.tenant_id AND o.id = k.id
ORDER BY k.place

--- orders_insert ()
INSERT INTO orders (tenant_id, id, amount, currency, receipt, notes, reusable, created_at)
VALUES ($1::text, $2::text, $3::bigint, $4::text, $5::text, $6::text::json, $7::boolean,
    $8::timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING

--- orders_list (tenant_id text, id text, amount bigint, currency text, receipt text, notes text, status text, reusable boolean, active_payment_id text, created_at timestamp with time zone)
SELECT
    o.tenant_id, o.id, o.amount, o.currency, o.receipt, o.notes::text, o.status, o.reusable,
    o.active_payment_id, o.created_at
FROM orders o
WHERE o.tenant_id = $1::text
    AND ($2::text IS NULL OR (o.created_at, o.id) <
        ((SELECT c.created_at FROM orders c WHERE c.tenant_id = $1 AND c.id = $2), $2))
    AND ($3::text IS NULL OR o.status = $3)
    AND o.created_at >= $4::timestamptz AND o.created_at < $5::timestamptz
ORDER BY o.created_at DESC, o.id DESC
LIMIT $6::bigint

--- orders_list_back (tenant_id text, id text, amount bigint, currency text, receipt text, notes text, status text, reusable boolean, active_payment_id text, created_at timestamp with time zone)
SELECT
    o.tenant_id, o.id, o.amount, o.currency, o.receipt, o.notes::text, o.status, o.reusable,
    o.active_payment_id, o.created_at
FROM orders o
WHERE o.tenant_id = $1::text
    AND ($2::text IS NULL OR (o.created_at, o.id) >
        ((SELECT c.created_at FROM orders c WHERE c.tenant_id = $1 AND c.id = $2), $2))
    AND ($3::text IS NULL OR o.status = $3)
    AND o.created_at >= $4::timestamptz AND o.created_at < $5::timestamptz
ORDER BY o.created_at ASC, o.id ASC
LIMIT $6::bigint

--- orders_take (tenant_id text, id text)
-- One payment at a time: who finds the order taken or paid gets no row. The rows are locked in
-- the order
-- of their keys, and judged again after the wait.
WITH wanted AS (
    SELECT o.tenant_id, o.id, k.payment_id
    FROM unnest($1::text[], $2::text[], $3::text[]) AS k(tenant_id, id, payment_id)
    JOIN orders o ON o.tenant_id = k.tenant_id AND o.id = k.id
    WHERE o.active_payment_id IS NULL AND o.status <> 'paid'
    ORDER BY o.tenant_id, o.id
    FOR NO KEY UPDATE OF o
)
UPDATE orders o
SET active_payment_id = w.payment_id, status = 'attempted'
FROM wanted w
WHERE o.tenant_id = w.tenant_id AND o.id = w.id
RETURNING o.tenant_id, o.id

--- payers_attempt (tenant_id text, payer bytea, granted bigint, coalesce boolean, ceil bigint)
-- Attempts of many payers, each named once, $4 a minute at most. What is granted is up to what was
-- asked for; $3 is never above $4. Locks are taken in the order of the keys. An attempt counts for a
-- minute in either direction of the clock. A row for each payer, in their order.
INSERT INTO payers AS p (tenant_id, payer, attempts, granted, keep_until)
SELECT k.tenant_id, k.payer, array_fill(clock_timestamp(), ARRAY[k.wanted::int]), k.wanted,
    clock_timestamp() + interval '2 minutes'
FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS k(tenant_id, payer, wanted)
ORDER BY k.tenant_id COLLATE "C", k.payer
ON CONFLICT (tenant_id, payer) DO UPDATE SET (attempts, granted, keep_until) = (
    SELECT r.recent || array_fill(t.now, ARRAY[g.granted::int]), g.granted,
        greatest(p.keep_until, t.now + interval '2 minutes')
    FROM (SELECT clock_timestamp() AS now) t
    CROSS JOIN LATERAL (SELECT array(
        SELECT a FROM unnest(p.attempts) a
        WHERE a > t.now - interval '1 minute' AND a < t.now + interval '1 minute' ORDER BY a)) AS r(recent)
    CROSS JOIN LATERAL (SELECT CASE WHEN p.blocked_until > t.now THEN 0 ELSE
        greatest(0, least(EXCLUDED.granted, $4::bigint - cardinality(r.recent))) END) AS g(granted))
RETURNING p.tenant_id, p.payer, p.granted, coalesce(p.blocked_until > clock_timestamp(), false),
    ceil(extract(epoch FROM CASE WHEN p.blocked_until > clock_timestamp() THEN p.blocked_until
        ELSE p.attempts[1] + interval '1 minute' END - clock_timestamp()))::bigint

--- payers_blocked (tenant_id text, payer bytea, wanted bigint, coalesce boolean, coalesce bigint)
-- The same where attempts are not counted: only who is blocked gets nothing.
SELECT k.tenant_id, k.payer, CASE WHEN p.blocked_until > clock_timestamp() THEN 0 ELSE k.wanted END,
    coalesce(p.blocked_until > clock_timestamp(), false),
    coalesce(ceil(extract(epoch FROM p.blocked_until - clock_timestamp()))::bigint, 0)
FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS k(tenant_id, payer, wanted)
LEFT JOIN payers p ON p.tenant_id = k.tenant_id AND p.payer = k.payer
ORDER BY k.tenant_id COLLATE "C", k.payer

--- payers_fail ()
-- Payments that their payers' side declined: $3 within an hour block a payer for $4 seconds, and are
-- spent by that. Each payment is named once.
INSERT INTO payers AS p (tenant_id, payer, failures, blocked_until, keep_until)
SELECT f.tenant_id, f.payer, CASE WHEN f.n >= $3::bigint THEN '{}' ELSE array_fill(t.now, ARRAY[f.n::int]) END,
    CASE WHEN f.n >= $3 THEN t.now + make_interval(secs => $4::bigint) END,
    t.now + make_interval(secs => greatest($4, 3600))
FROM (
    SELECT y.tenant_id, y.payer, count(*) AS n
    FROM unnest($1::text[], $2::text[]) AS k(tenant_id, id)
    JOIN payments y ON y.tenant_id = k.tenant_id AND y.id = k.id
    WHERE y.payer IS NOT NULL
    GROUP BY y.tenant_id, y.payer
) f
CROSS JOIN (SELECT clock_timestamp() AS now) t
ORDER BY f.tenant_id COLLATE "C", f.payer
ON CONFLICT (tenant_id, payer) DO UPDATE SET (failures, blocked_until, keep_until) = (
    SELECT CASE WHEN c.n >= $3 THEN '{}' ELSE r.recent || EXCLUDED.failures END,
        CASE WHEN c.n >= $3 THEN t.now + make_interval(secs => $4) ELSE p.blocked_until END,
        greatest(p.keep_until, t.now + make_interval(secs => greatest($4, 3600)))
    FROM (SELECT clock_timestamp() AS now) t
    CROSS JOIN LATERAL (SELECT array(
        SELECT a FROM unnest(p.failures) a
        WHERE a > t.now - interval '1 hour' AND a < t.now + interval '1 hour')) AS r(recent)
    CROSS JOIN LATERAL (SELECT cardinality(r.recent) + cardinality(EXCLUDED.failures)
        + CASE WHEN EXCLUDED.blocked_until IS NULL THEN 0 ELSE $3 END) AS c(n))

--- payers_sweep ()
-- A row that is counted in just now stays.
DELETE FROM payers p
WHERE p.keep_until < $1::timestamptz AND (p.tenant_id, p.payer) IN (
    SELECT s.tenant_id, s.payer FROM payers s WHERE s.keep_until < $1::timestamptz
    ORDER BY s.keep_until LIMIT $2::bigint FOR UPDATE SKIP LOCKED)

--- payers_unblock (?column? boolean, coalesce boolean)
-- The payer of a payment is as one who was never seen.
WITH known AS (
    SELECT y.tenant_id, y.payer FROM payments y WHERE y.tenant_id = $1::text AND y.id = $2::text
), gone AS (
    DELETE FROM payers p USING known k
    WHERE p.tenant_id = k.tenant_id AND p.payer = k.payer
    RETURNING p.blocked_until
)
SELECT k.payer IS NOT NULL, coalesce((SELECT g.blocked_until > clock_timestamp() FROM gone g), false)
FROM known k

--- payments_existing (place bigint)
SELECT k.place
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(tenant_id, id, place)
JOIN payments p ON p.tenant_id = k.tenant_id AND p.id = k.id

--- payments_get (tenant_id text, id text, order_id text, order_own boolean, amount bigint, currency text, method text, vpa text, card_token text, card_brand text, card_last4 text, card_expiry_month bigint, card_expiry_year bigint, capture text, status text, unknown_operation text, amount_captured bigint, amount_refunded bigint, refund_reserved bigint, provider text, charge_operation_id text, action_url text, sequence bigint, error_code text, error_message text, description text, customer_email text, customer_phone text, customer_name text, metadata text, request_id text, traceparent text, created_at timestamp with time zone, updated_at timestamp with time zone, credential_id text, msisdn text, network text, return_url text, earlier_attempts text, personal bytea, place bigint)
SELECT
    p.tenant_id, p.id, p.order_id, p.order_own, p.amount, p.currency, p.method, p.vpa,
    p.card_token, p.card_brand, p.card_last4, p.card_expiry_month, p.card_expiry_year, p.capture,
    p.status, p.unknown_operation, p.amount_captured, p.amount_refunded, p.refund_reserved,
    p.provider, p.charge_operation_id, p.action_url, p.sequence, p.error_code, p.error_message,
    p.description, p.customer_email, p.customer_phone, p.customer_name, p.metadata::text,
    p.request_id, p.traceparent, p.created_at, p.updated_at,
    p.credential_id, p.msisdn, p.network, p.return_url, p.earlier_attempts::text, p.personal,
    k.place
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(tenant_id, id, place)
JOIN payments p ON p.tenant_id = k.tenant_id AND p.id = k.id
ORDER BY k.place

--- payments_insert ()
-- New payments and their charges, which are due at once, but where a person is to look first ($28).
WITH new AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::text[],
        $8::text[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::bigint[],
        $14::bigint[], $15::text[], $16::text[], $17::bytea[], $18::text[],
        $19::text[], $20::text[], $21::text[], $23::text[],
        $24::text[], $25::text[], $26::bigint[], $27::bigint[], $28::boolean[], $29::text[],
        $30::text[], $31::bytea[])
        AS u(
        tenant_id, id, operation_id, order_id, order_own, amount, currency, method, personal,
        card_token, card_brand, card_last4, card_expiry_month, card_expiry_year, capture,
        provider, provider_token, description,
        metadata, request_id, traceparent, credential_id, network, return_url, lease_ms,
        sequence, review, error_code, error_message, payer)
), charges AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, amount, currency, provider,
        credential_id, provider_token, request_id, traceparent, status, created_at)
    SELECT tenant_id, operation_id, id, 'charge', amount, currency, provider,
        credential_id, provider_token, request_id, traceparent,
        CASE WHEN review THEN 'needs_review' ELSE 'ready' END, $22::timestamptz
    FROM new
), queued AS (
    INSERT INTO operations_queue (tenant_id, id, due_at, lease_ms)
    SELECT tenant_id, operation_id, $22, lease_ms FROM new WHERE NOT review
), reviewed AS (
    INSERT INTO reviews (tenant_id, payment_id, reason, since)
    SELECT tenant_id, id, error_code, $22 FROM new WHERE review
)
INSERT INTO payments (
    tenant_id, id, order_id, order_own, amount, currency, method, personal, card_token, card_brand,
    card_last4, card_expiry_month, card_expiry_year, capture, provider, description,
    metadata, request_id, traceparent,
    charge_operation_id, status, sequence, created_at, updated_at, credential_id, network,
    return_url, error_code, error_message, payer)
SELECT
    tenant_id, id, order_id, order_own, amount, currency, method, personal, card_token, card_brand,
    card_last4, nullif(card_expiry_month, 0), nullif(card_expiry_year, 0), capture, provider, description,
    metadata::json, request_id, traceparent,
    operation_id, CASE WHEN review THEN 'needs_review' ELSE 'pending' END, sequence, $22, $22,
    credential_id, network, return_url, error_code, error_message, payer
FROM new

--- payments_list (id text)
-- $2: exclusive; $6, $7: ids of these times, so that whole partitions are left out.
SELECT p.id
FROM payments p
WHERE p.tenant_id = $1::text AND p.id < $2::text
    AND ($3::text IS NULL OR p.status = $3) AND ($4::text IS NULL OR p.order_id = $4)
    AND ($5::text IS NULL OR p.method = $5)
    AND p.id >= $6::text AND p.id < $7::text
    AND p.created_at >= $8::timestamptz AND p.created_at < $9::timestamptz
ORDER BY p.id DESC
LIMIT $10::bigint

--- payments_list_back (id text)
-- $2: exclusive; $6, $7: ids of these times, so that whole partitions are left out.
SELECT p.id
FROM payments p
WHERE p.tenant_id = $1::text AND p.id > $2::text
    AND ($3::text IS NULL OR p.status = $3) AND ($4::text IS NULL OR p.order_id = $4)
    AND ($5::text IS NULL OR p.method = $5)
    AND p.id >= $6::text AND p.id < $7::text
    AND p.created_at >= $8::timestamptz AND p.created_at < $9::timestamptz
ORDER BY p.id ASC
LIMIT $10::bigint

--- payments_list_order (id text)
SELECT p.id
FROM payments p
WHERE p.tenant_id = $1::text AND p.order_id = $2::text AND p.id < $3::text
    AND ($4::text IS NULL OR p.status = $4) AND ($5::text IS NULL OR p.method = $5)
    AND p.created_at >= $6::timestamptz AND p.created_at < $7::timestamptz
ORDER BY p.order_id DESC, p.id DESC
LIMIT $8::bigint

--- payments_list_order_back (id text)
SELECT p.id
FROM payments p
WHERE p.tenant_id = $1::text AND p.order_id = $2::text AND p.id > $3::text
    AND ($4::text IS NULL OR p.status = $4) AND ($5::text IS NULL OR p.method = $5)
    AND p.created_at >= $6::timestamptz AND p.created_at < $7::timestamptz
ORDER BY p.order_id ASC, p.id ASC
LIMIT $8::bigint

--- payments_lock (tenant_id text, id text, order_id text, order_own boolean, amount bigint, currency text, method text, vpa text, card_token text, card_brand text, card_last4 text, card_expiry_month bigint, card_expiry_year bigint, capture text, status text, unknown_operation text, amount_captured bigint, amount_refunded bigint, refund_reserved bigint, provider text, charge_operation_id text, action_url text, sequence bigint, error_code text, error_message text, description text, customer_email text, customer_phone text, customer_name text, metadata text, request_id text, traceparent text, created_at timestamp with time zone, updated_at timestamp with time zone, credential_id text, msisdn text, network text, return_url text, earlier_attempts text, personal bytea)
-- In the order of their keys, so that two workers never lock crosswise.
SELECT
    p.tenant_id, p.id, p.order_id, p.order_own, p.amount, p.currency, p.method, p.vpa,
    p.card_token, p.card_brand, p.card_last4, p.card_expiry_month, p.card_expiry_year, p.capture,
    p.status, p.unknown_operation, p.amount_captured, p.amount_refunded, p.refund_reserved,
    p.provider, p.charge_operation_id, p.action_url, p.sequence, p.error_code, p.error_message,
    p.description, p.customer_email, p.customer_phone, p.customer_name, p.metadata::text,
    p.request_id, p.traceparent, p.created_at, p.updated_at,
    p.credential_id, p.msisdn, p.network, p.return_url, p.earlier_attempts::text, p.personal
FROM (SELECT DISTINCT k.tenant_id, k.id FROM unnest($1::text[], $2::text[]) AS k(tenant_id,
    id)) AS k
JOIN payments p ON p.tenant_id = k.tenant_id AND p.id = k.id
ORDER BY p.tenant_id, p.id
FOR NO KEY UPDATE OF p

--- payments_reroute ()
-- Charges that did nothing where they were go elsewhere. Rows that payments_update has just written.
UPDATE payments p
SET provider = u.provider, credential_id = u.credential_id,
    earlier_attempts = u.earlier_attempts::json
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS u(tenant_id, id, provider, credential_id, earlier_attempts)
WHERE p.tenant_id = u.tenant_id AND p.id = u.id

--- payments_update ()
-- Carries the state and sequence that each row leaves.
UPDATE payments p
SET status = u.status, unknown_operation = u.unknown_operation,
    amount_captured = u.amount_captured, amount_refunded = u.amount_refunded,
    refund_reserved = u.refund_reserved, charge_operation_id = u.charge_operation_id,
    action_url = u.action_url, sequence = u.sequence,
    error_code = u.error_code, error_message = u.error_message, updated_at = $14::timestamptz
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::text[],
        $15::text[])
    AS u(tenant_id, id, seen, from_status, status, unknown_operation, amount_captured,
        amount_refunded, refund_reserved, charge_operation_id, action_url, sequence, error_code,
        error_message)
WHERE p.tenant_id = u.tenant_id AND p.id = u.id AND p.sequence = u.seen AND p.status = u.from_status

--- personal_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'personal:' || t.tenant_id || '/' || t.id, CASE WHEN get_byte(t.personal, 1) <> $1::bigint THEN t.personal END
FROM payments t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- personal_plain (tenant_id text, id text, vpa text, msisdn text, customer_email text, customer_phone text, customer_name text)
-- Payers' data as earlier versions kept it.
SELECT tenant_id, id, vpa, msisdn, customer_email, customer_phone, customer_name
FROM payments
WHERE personal IS NULL AND coalesce(vpa, msisdn, customer_email, customer_phone, customer_name) IS NOT NULL
ORDER BY tenant_id, id
LIMIT $1
FOR NO KEY UPDATE SKIP LOCKED

--- personal_put ()
UPDATE payments p
SET personal = k.personal, vpa = NULL, msisdn = NULL, customer_email = NULL, customer_phone = NULL,
    customer_name = NULL
FROM unnest($1::text[], $2::text[], $3::bytea[]) AS k(tenant_id, id, personal)
WHERE p.tenant_id = k.tenant_id AND p.id = k.id

--- personal_reseal ()
UPDATE payments t SET personal = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.personal = k.old

--- provider_credentials_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'credential:' || t.tenant_id || '/' || t.id, CASE WHEN get_byte(t.fields, 1) <> $1::bigint THEN t.fields END
FROM provider_credentials t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- provider_credentials_reseal ()
UPDATE provider_credentials t SET fields = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.fields = k.old

--- reconcile_done (exists boolean)
SELECT EXISTS (
    SELECT 1
    FROM reconciliations r
    WHERE r.tenant_id = $1::text AND r.credential_id = $2::text AND r.day = $3::text::date AND r.daily
)

--- reconcile_lock (pg_try_advisory_lock boolean)
-- Of the connection, not of a transaction: none is left open while a provider is waited for.
SELECT pg_try_advisory_lock(hashtextextended('obol.payments.reconcile/' || $1::text || '/' || $2::text, 0))

--- reconcile_next (tenant_id text, id text, provider text)
SELECT c.tenant_id, c.id, c.provider
FROM provider_credentials c
WHERE c.enabled AND (c.tenant_id, c.id) > ($2::text, $3::text)
    AND NOT EXISTS (
        SELECT 1
        FROM reconciliations r
        WHERE r.tenant_id = c.tenant_id AND r.credential_id = c.id AND r.day = $1::text::date
            AND r.daily
    )
ORDER BY c.tenant_id, c.id
LIMIT 1

--- reconcile_unlock (pg_advisory_unlock boolean)
SELECT pg_advisory_unlock(hashtextextended('obol.payments.reconcile/' || $1::text || '/' || $2::text, 0))

--- reconciliation_differences_insert ()
INSERT INTO reconciliation_differences (tenant_id, reconciliation_id, place, kind, reference,
    operation_id, payment_id, ours, theirs)
SELECT $1::text, $2::text, d.place, d.kind, d.reference, d.operation_id, d.payment_id, d.ours,
    d.theirs
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    WITH ORDINALITY AS d(kind, reference, operation_id, payment_id, ours, theirs, place)

--- reconciliations_count (provider text, sum bigint, sum bigint, sum bigint, sum bigint)
-- Of each credential the newest run counts.
SELECT
    r.provider, sum(r.missing_here)::bigint, sum(r.missing_there)::bigint,
    sum(r.amounts_differ)::bigint, sum(r.statuses_differ)::bigint
FROM (
    SELECT DISTINCT ON (n.tenant_id, n.provider, n.credential_id) n.*
    FROM reconciliations n
    WHERE n.day >= $1::text::date
    ORDER BY n.tenant_id, n.provider, n.credential_id, n.created_at DESC
) r
GROUP BY r.provider

--- reconciliations_insert (id text)
-- The daily job's row of a credential and day is there once.
INSERT INTO reconciliations (tenant_id, id, provider, credential_id, day, source, daily, matched,
    missing_here, missing_there, amounts_differ, statuses_differ, left_over, created_at,
    until_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text::date, $6::text, $7::boolean, $8::bigint,
    $9::bigint, $10::bigint, $11::bigint, $12::bigint, $13::text[], $14::timestamptz,
    $15::timestamptz)
ON CONFLICT DO NOTHING
RETURNING id

--- reviews_enter ()
INSERT INTO reviews (tenant_id, payment_id, refund_id, reason, since)
SELECT u.tenant_id, u.payment_id, u.refund_id, coalesce(u.reason, 'outcome_unknown'),
    $5::timestamptz
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    AS u(tenant_id, payment_id, refund_id, reason)
ON CONFLICT DO NOTHING

--- reviews_leave ()
DELETE FROM reviews r
USING unnest($1::text[], $2::text[], $3::text[]) AS u(tenant_id, payment_id, refund_id)
WHERE r.tenant_id = u.tenant_id AND r.payment_id = u.payment_id AND r.refund_id = u.refund_id

--- reviews_list (tenant_id text, payment_id text, reason text, coalesce bigint, currency text, coalesce text, coalesce text, coalesce text, since timestamp with time zone, refund_id text)
-- $1: '' is every tenant's. Payment ids are time-ordered, so the oldest payment comes first, and then
-- its refunds. $2 and $3: where the page before ended.
SELECT
    r.tenant_id, r.payment_id, r.reason, coalesce(b.amount, p.amount), p.currency,
    coalesce(b.provider, o.provider, p.provider), coalesce(b.id, o.id, p.charge_operation_id),
    coalesce(b.kind, p.unknown_operation), r.since, r.refund_id
FROM reviews r
JOIN payments p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id
LEFT JOIN operations b ON r.refund_id <> '' AND b.tenant_id = r.tenant_id
    AND b.refund_id = r.refund_id
LEFT JOIN LATERAL (
    SELECT a.id, a.provider
    FROM operations a
    WHERE r.refund_id = '' AND a.tenant_id = r.tenant_id AND a.payment_id = r.payment_id
        AND a.kind IN ('charge', 'capture', 'cancel') AND a.finished_at IS NULL
    LIMIT 1
) o ON true
WHERE ($1::text = '' OR r.tenant_id = $1) AND (r.payment_id, r.refund_id) > ($2::text, $3::text)
ORDER BY r.payment_id, r.refund_id, r.tenant_id
LIMIT $4::bigint

--- routes_clear ()
DELETE FROM provider_routes WHERE tenant_id = $1::text

--- routes_insert ()
INSERT INTO provider_routes
       (tenant_id, id, place, method, currency, network, amount_min, amount_max, credential_id)
SELECT $1::text, id, place, method, currency, network, amount_min, amount_max, credential_id
  FROM unnest($2::text[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::int8[], $9::text[])
       AS r (id, place, method, currency, network, amount_min, amount_max, credential_id)

--- routes_list (id text, place bigint, method text, currency text, network text, amount_min bigint, amount_max bigint, credential_id text)
SELECT id, place, method, currency, network, amount_min, amount_max, credential_id
  FROM provider_routes
 WHERE tenant_id = $1::text
 ORDER BY place

--- sessions_get (secret bytea, granted_at timestamp with time zone, expires_at timestamp with time zone)
SELECT secret, granted_at, expires_at FROM provider_sessions WHERE credential_id = $1 AND name = $2

--- sessions_lease (?column? boolean)
-- One replica fetches at a time, and only what no other has fetched since the row was seen ($3).
INSERT INTO provider_sessions AS s (credential_id, name, fetching_until)
SELECT $1::text, $2::text, $5::timestamptz
ON CONFLICT (credential_id, name) DO UPDATE SET fetching_until = excluded.fetching_until
WHERE (s.fetching_until IS NULL OR s.fetching_until < $4::timestamptz)
    AND s.granted_at IS NOT DISTINCT FROM $3::timestamptz
RETURNING true

--- sessions_put ()
-- Whoever held the lease for too long does not put an older grant over a newer one.
UPDATE provider_sessions
SET secret = $3::bytea, granted_at = $4::timestamptz, expires_at = $5::timestamptz,
    fetching_until = NULL
WHERE credential_id = $1 AND name = $2 AND (granted_at IS NULL OR granted_at <= $4)

--- sessions_release ()
UPDATE provider_sessions
SET fetching_until = NULL
WHERE credential_id = $1 AND name = $2 AND fetching_until = $3::timestamptz

--- setup_lock (pg_advisory_xact_lock void)
-- One tenant's setup is changed by one at a time: what is allowed depends on several rows.
SELECT pg_advisory_xact_lock(hashtextextended('obol.payments.setup/' || $1::text, 0))

--- setup_read (kind bigint, id text, a text, b text, c text, d text, live boolean, enabled boolean, fields bytea, created_at timestamp with time zone, updated_at timestamp with time zone, place bigint, n1 bigint, n2 bigint, n3 bigint, n4 bigint)
-- One statement, so that routes and credentials are of the same moment.
SELECT 1::int8 AS kind, id, provider AS a, label AS b, '' AS c, '' AS d, live, enabled, fields, created_at, updated_at,
       0::int8 AS place, 0::int8 AS n1, 0::int8 AS n2, 0::int8 AS n3, 0::int8 AS n4
  FROM provider_credentials
 WHERE tenant_id = $1::text
UNION ALL
SELECT 2, id, method, currency, network, credential_id, NULL, NULL, NULL, NULL, NULL,
       place, amount_min, amount_max, 0, 0
  FROM provider_routes
 WHERE tenant_id = $1::text
UNION ALL
SELECT 3, currency, '', '', '', '', NULL, NULL, NULL, NULL, NULL,
       0, minimum, maximum, daily, review_above
  FROM tenant_limits
 WHERE tenant_id = $1::text
 ORDER BY kind, place, id

--- testimonies_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'testimony:' || t.id, CASE WHEN get_byte(t.testimony, 0) <> 1 OR get_byte(t.testimony, 1) <> $1::bigint THEN t.testimony END
FROM operations t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- testimonies_reseal ()
UPDATE operations t SET testimony = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.testimony = k.old

--- unknown_callbacks_keep ()
-- At most $8 a day for a tenant and provider: whoever sends rubbish fills nothing.
WITH new AS (
    SELECT *, row_number() OVER (PARTITION BY u.tenant_id, u.provider ORDER BY u.place) AS nth
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
        WITH ORDINALITY AS u(id, tenant_id, provider, credential_id, digest, body, place)
), held AS (
    SELECT g.tenant_id, g.provider, (SELECT count(*) FROM (
        SELECT FROM unknown_callbacks c
        WHERE c.tenant_id = g.tenant_id AND c.provider = g.provider
            AND c.received_at > $7::timestamptz - interval '1 day'
        LIMIT $8::bigint) c) AS n
    FROM (SELECT DISTINCT n.tenant_id, n.provider FROM new n) g
)
INSERT INTO unknown_callbacks (id, tenant_id, provider, credential_id, digest, body, received_at)
SELECT n.id, n.tenant_id, n.provider, n.credential_id, n.digest, n.body, $7
FROM new n
JOIN held h ON h.tenant_id = n.tenant_id AND h.provider = n.provider AND h.n + n.nth <= $8
ORDER BY n.place
ON CONFLICT DO NOTHING

--- unknown_callbacks_page (tenant_id text, id text, ?column? text, case bytea)
-- The next rows by key; sealed is NULL where there is nothing to do. $1: the newest key.
SELECT t.tenant_id, t.id, 'callback:' || t.id, CASE WHEN get_byte(t.body, 1) <> $1::bigint THEN t.body END
FROM unknown_callbacks t
WHERE (t.tenant_id, t.id) > ($2::text, $3::text)
ORDER BY t.tenant_id, t.id
LIMIT $4

--- unknown_callbacks_reseal ()
UPDATE unknown_callbacks t SET body = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.body = k.old

--- unknown_callbacks_sweep ()
DELETE FROM unknown_callbacks u
WHERE u.id IN (
    SELECT s.id FROM unknown_callbacks s WHERE s.received_at < $1::timestamptz
    ORDER BY s.received_at LIMIT $2::bigint)

--- volumes_make ()
-- The rows of a day's first payment; whoever comes second waits for the first and makes none.
INSERT INTO daily_volumes (tenant_id, currency, day, slice, budget)
SELECT k.tenant_id, k.currency, ($4::timestamptz AT TIME ZONE 'UTC')::date, s.slice,
    k.daily / 16 + CASE WHEN s.slice = 0 THEN k.daily % 16 ELSE 0 END
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(tenant_id, currency, daily)
CROSS JOIN generate_series(0, 15) AS s(slice)
ORDER BY k.tenant_id COLLATE "C", k.currency, s.slice
ON CONFLICT DO NOTHING

--- volumes_move ()
-- The rows are locked.
UPDATE daily_volumes v
SET budget = k.budget, used = k.used
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS k(tenant_id, currency, slice, budget, used)
WHERE v.tenant_id = k.tenant_id AND v.currency = k.currency
    AND v.day = ($6::timestamptz AT TIME ZONE 'UTC')::date AND v.slice = k.slice

--- volumes_sweep ()
DELETE FROM daily_volumes v
WHERE (v.tenant_id, v.currency, v.day, v.slice) IN (
    SELECT s.tenant_id, s.currency, s.day, s.slice FROM daily_volumes s
    WHERE s.day < ($1::timestamptz AT TIME ZONE 'UTC')::date - 7
    ORDER BY s.day LIMIT $2::bigint)

--- volumes_take (place bigint, fits boolean, slice bigint, budget bigint, used bigint, ?column? boolean)
-- Takes each amount from the pair's slice ($6) where the day's budgets are those of the limit and
-- that slice has room. Where not, or where told so ($5), all slices of the pair are locked and
-- shown instead. One order of locks for all: the rows are sorted. A row that filled up while it was
-- waited for comes back as one that was to fit and was not granted.
WITH asked AS MATERIALIZED (
    SELECT k.tenant_id, k.currency, k.amount, k.place,
        NOT k.whole AND coalesce(d.total = k.daily AND d.room >= k.amount, false) AS fits
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bool[])
        WITH ORDINALITY AS k(tenant_id, currency, amount, daily, whole, place)
    CROSS JOIN LATERAL (
        SELECT sum(v.budget) AS total,
            max(v.budget - v.used) FILTER (WHERE v.slice = $6::bigint) AS room
        FROM daily_volumes v
        WHERE v.tenant_id = k.tenant_id AND v.currency = k.currency
            AND v.day = ($7::timestamptz AT TIME ZONE 'UTC')::date
    ) d
), locked AS MATERIALIZED (
    SELECT a.place, a.amount, a.fits, v.tenant_id, v.currency, v.day, v.slice, v.budget, v.used
    FROM asked a
    JOIN daily_volumes v ON v.tenant_id = a.tenant_id AND v.currency = a.currency
        AND v.day = ($7::timestamptz AT TIME ZONE 'UTC')::date AND (v.slice = $6 OR NOT a.fits)
    ORDER BY v.tenant_id, v.currency, v.day, v.slice
    FOR NO KEY UPDATE OF v
), taken AS (
    UPDATE daily_volumes v
    SET used = v.used + l.amount
    FROM locked l
    WHERE l.fits AND v.tenant_id = l.tenant_id AND v.currency = l.currency AND v.day = l.day
        AND v.slice = l.slice AND v.budget - v.used >= l.amount
    RETURNING l.place
)
SELECT l.place, l.fits, l.slice, l.budget, l.used, t.place IS NOT NULL
FROM locked l
LEFT JOIN taken t ON t.place = l.place
