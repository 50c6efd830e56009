-- Attempts whose process died: they count, and the next one comes by the schedule ($3, seconds). $4: at most so many
-- of one endpoint.
WITH lost AS (
    SELECT l.*, l.attempts >= l.max_attempts AS spent
      FROM unnest($1::text[], $2::text[]) AS w (tenant_id, endpoint_id)
     CROSS JOIN LATERAL (
            SELECT q.tenant_id, q.delivery_id, q.attempts, q.schedule_start, q.max_attempts, q.started_at
              FROM delivery_queue q
             WHERE q.tenant_id = w.tenant_id AND q.endpoint_id = w.endpoint_id
               AND q.next_at <= now() AND q.lease_until < now()
             ORDER BY q.next_at LIMIT $4::int8
               FOR UPDATE SKIP LOCKED) l
), logged AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, number, started_at, error)
    SELECT tenant_id, delivery_id, attempts, started_at, 'No outcome was recorded.' FROM lost
        ON CONFLICT (tenant_id, delivery_id, number) DO NOTHING
), closed AS (
    DELETE FROM delivery_queue q
     USING lost
     WHERE q.tenant_id = lost.tenant_id AND q.delivery_id = lost.delivery_id AND lost.spent
), freed AS (
    UPDATE delivery_queue q
       SET started_at = NULL, lease_until = NULL,
           next_at = now() + ($3::int8[])[least(q.attempts - q.schedule_start + 1, cardinality($3::int8[]))]
                                 * interval '1 second'
      FROM lost
     WHERE q.tenant_id = lost.tenant_id AND q.delivery_id = lost.delivery_id AND NOT lost.spent
)
UPDATE deliveries d
   SET status = CASE WHEN lost.spent THEN 'failed' ELSE 'pending' END,
       attempts = greatest(d.attempts, lost.attempts),
       finished_at = CASE WHEN lost.spent THEN now() END, last_error = 'No outcome was recorded.'
  FROM lost
 WHERE d.tenant_id = lost.tenant_id AND d.id = lost.delivery_id
RETURNING lost.spent
