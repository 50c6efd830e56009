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
