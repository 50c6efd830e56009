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
