-- What is being sent this moment is logged as started, and still becomes delivered when it succeeds.
WITH given_up AS (
    SELECT tenant_id, delivery_id, attempts, started_at
      FROM delivery_queue
     WHERE tenant_id = $1::text AND endpoint_id = $2::text
     ORDER BY delivery_id
       FOR UPDATE
), closed AS (
    DELETE FROM delivery_queue q
     USING given_up g
     WHERE q.tenant_id = g.tenant_id AND q.delivery_id = g.delivery_id
), logged AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, number, started_at)
    SELECT tenant_id, delivery_id, attempts, started_at FROM given_up WHERE started_at IS NOT NULL
        ON CONFLICT (tenant_id, delivery_id, number) DO NOTHING
)
UPDATE deliveries d
   SET status = 'failed', attempts = g.attempts, last_error = $3::text, finished_at = now()
  FROM given_up g
 WHERE d.tenant_id = g.tenant_id AND d.id = g.delivery_id
