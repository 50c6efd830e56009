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
