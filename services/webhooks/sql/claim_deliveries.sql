-- The attempt is written as started before its first byte leaves, so that it counts whatever happens. The rows that
-- were locked are found again where they lie: nobody else can move them meanwhile.
WITH due AS (
    SELECT d.row, e.url, e.enabled AND e.deleted_at IS NULL AS enabled,
           e.failing_since IS NOT NULL AS failing, e.secret_sealed,
           CASE WHEN e.old_secret_until > now() THEN e.old_secret_sealed END AS old_secret_sealed
      FROM unnest($1::text[], $2::text[], $3::int8[], $4::timestamptz[]) AS w (tenant_id, endpoint_id, allowed, first)
      JOIN endpoints e ON e.tenant_id = w.tenant_id AND e.id = w.endpoint_id
     CROSS JOIN LATERAL (
            SELECT q.ctid AS row
              FROM delivery_queue q
             WHERE q.tenant_id = w.tenant_id AND q.endpoint_id = w.endpoint_id
               AND q.next_at >= w.first AND q.next_at <= now() AND q.lease_until IS NULL
             ORDER BY q.next_at LIMIT w.allowed
               FOR UPDATE SKIP LOCKED) d
), claimed AS (
    UPDATE delivery_queue q
       SET attempts = q.attempts + 1, started_at = now(),
           lease_until = now() + $5::int8 * interval '1 millisecond'
      FROM due
     WHERE q.ctid = due.row
    RETURNING q.tenant_id, q.delivery_id, q.endpoint_id, q.event_id, q.attempts, q.schedule_start, q.max_attempts,
              q.started_at, due.url, due.enabled, due.failing, due.secret_sealed, due.old_secret_sealed
)
SELECT c.tenant_id, c.delivery_id, c.endpoint_id, c.event_id, c.attempts, c.schedule_start, c.max_attempts,
       c.started_at, c.url, c.enabled, c.failing, c.secret_sealed, c.old_secret_sealed, s.body, s.request_id,
       s.traceparent
  FROM claimed c
  LEFT JOIN stored_events s ON s.tenant_id = c.tenant_id AND s.id = c.event_id
