-- An attempt that is out keeps its lease: it isn't sent twice at once. One that is lost is then found so.
WITH queued AS (
    SELECT attempts FROM delivery_queue WHERE tenant_id = $1::text AND delivery_id = $2::text
), again AS (
    UPDATE deliveries d
       SET status = 'pending', delivered_at = NULL, finished_at = NULL,
           attempts = coalesce((SELECT attempts FROM queued), d.attempts),
           max_attempts = coalesce((SELECT attempts FROM queued), d.attempts) + $3::int8
     WHERE d.tenant_id = $1::text AND d.id = $2::text
    RETURNING d.tenant_id, d.id, d.endpoint_id, d.event_id, d.attempts, d.max_attempts
)
INSERT INTO delivery_queue AS q (tenant_id, delivery_id, endpoint_id, event_id, attempts, schedule_start, max_attempts,
                                 next_at)
SELECT tenant_id, id, endpoint_id, event_id, attempts, attempts, max_attempts, now()
  FROM again
    ON CONFLICT (tenant_id, delivery_id) DO UPDATE
   SET schedule_start = excluded.schedule_start, max_attempts = excluded.max_attempts,
       next_at = CASE WHEN q.lease_until IS NULL THEN now() ELSE q.next_at END
