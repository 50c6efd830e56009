SELECT a.number, a.started_at, a.duration_us, a.request_headers, a.response_code, a.response_body, a.error
  FROM delivery_attempts a
 WHERE a.tenant_id = $1::text AND a.delivery_id = $2::text
 ORDER BY a.number DESC
 LIMIT $3::int8
