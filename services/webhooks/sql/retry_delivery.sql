-- An attempt that is out keeps its lease: it isn't sent twice at once.
UPDATE deliveries
   SET status = 'pending', schedule_start = attempts, max_attempts = attempts + $3::int8,
       next_at = CASE WHEN lease_until > now() THEN next_at ELSE now() END,
       lease_until = CASE WHEN lease_until > now() THEN lease_until END,
       delivered_at = NULL, finished_at = NULL
 WHERE tenant_id = $1::text AND id = $2::text
