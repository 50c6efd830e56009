-- What is being sent this moment still becomes delivered when it succeeds.
UPDATE deliveries
   SET status = 'failed', last_error = $3::text, next_at = NULL, lease_until = NULL, finished_at = now()
 WHERE tenant_id = $1::text AND endpoint_id = $2::text AND status = 'pending'
