SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error, next_at, created_at, delivered_at
  FROM deliveries_shown
 WHERE tenant_id = $1::text AND id = $2::text
