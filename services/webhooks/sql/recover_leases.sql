-- Attempts whose process died: they count, and the next one comes by the schedule ($1, seconds).
WITH lost AS (
    SELECT tenant_id, id
      FROM deliveries
     WHERE status = 'pending' AND lease_until < now()
     ORDER BY lease_until LIMIT $2::int8
       FOR UPDATE SKIP LOCKED
), freed AS (
    UPDATE deliveries d
       SET status = CASE WHEN d.attempts >= d.max_attempts THEN 'failed' ELSE 'pending' END,
           next_at = CASE WHEN d.attempts < d.max_attempts THEN
               now() + ($1::int8[])[least(d.attempts - d.schedule_start + 1, cardinality($1::int8[]))]
                   * interval '1 second' END,
           finished_at = CASE WHEN d.attempts >= d.max_attempts THEN now() END,
           lease_until = NULL, last_error = 'No outcome was recorded.'
      FROM lost
     WHERE d.tenant_id = lost.tenant_id AND d.id = lost.id
    RETURNING d.tenant_id, d.id, d.attempts
)
UPDATE delivery_attempts a
   SET error = 'No outcome was recorded.'
  FROM freed f
 WHERE a.tenant_id = f.tenant_id AND a.delivery_id = f.id AND a.number = f.attempts AND a.duration_us IS NULL
