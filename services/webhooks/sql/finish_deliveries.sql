-- A failure counts only for the attempt that is the newest; a success counts however late it comes. Where
-- max_attempts has changed since the claim, a retry was asked for meanwhile: it is due now.
WITH outcome AS (
    SELECT *
      FROM unnest($1::text[], $2::text[], $3::int8[], $4::text[], $5::timestamptz[], $6::int8[], $7::text[],
                  $8::text[], $9::int8[], $10::text[], $11::int8[])
           AS o (tenant_id, id, number, status, next_at, response_code, response_body, error, duration_us,
                 request_headers, max_attempts)
), logged AS (
    UPDATE delivery_attempts a
       SET duration_us = o.duration_us, request_headers = o.request_headers,
           response_code = nullif(o.response_code, 0), response_body = o.response_body, error = nullif(o.error, '')
      FROM outcome o
     WHERE a.tenant_id = o.tenant_id AND a.delivery_id = o.id AND a.number = o.number
)
UPDATE deliveries d
   SET status = CASE WHEN o.status = 'failed' AND d.max_attempts <> o.max_attempts THEN 'pending' ELSE o.status END,
       next_at = CASE WHEN o.status <> 'delivered' AND d.max_attempts <> o.max_attempts THEN now() ELSE o.next_at END,
       lease_until = NULL,
       response_code = nullif(o.response_code, 0), response_body = o.response_body,
       last_error = nullif(o.error, ''),
       delivered_at = CASE WHEN o.status = 'delivered' THEN now() END,
       finished_at = CASE WHEN o.status = 'delivered'
                            OR o.status = 'failed' AND d.max_attempts = o.max_attempts THEN now() END
  FROM outcome o
 WHERE d.tenant_id = o.tenant_id AND d.id = o.id
   AND (d.status = 'pending' AND d.attempts = o.number OR o.status = 'delivered' AND d.status <> 'delivered')
