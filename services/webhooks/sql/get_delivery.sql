SELECT id, endpoint_id, event_type, event_id, payment_id, url, status, attempts, max_attempts, response_code,
       response_body, last_error,
       CASE WHEN status = 'pending' AND lease_until IS NULL AND next_at > created_at - interval '1 day'
            THEN next_at END,
       created_at, delivered_at
  FROM deliveries
 WHERE tenant_id = $1::text AND id = $2::text
