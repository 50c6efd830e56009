-- The attempt is written as started before its first byte leaves, so that it counts whatever happens. The
-- endpoint is looked up before the update, so that the update can reach its rows by their primary key only.
WITH due AS (
    SELECT d.tenant_id, d.id, e.url, e.enabled AND e.deleted_at IS NULL AS enabled,
           e.failing_since IS NOT NULL AS failing, e.secret_sealed,
           CASE WHEN e.old_secret_until > now() THEN e.old_secret_sealed END AS old_secret_sealed
      FROM unnest($1::text[], $2::text[], $3::int8[]) AS w (tenant_id, endpoint_id, allowed)
      JOIN endpoints e ON e.tenant_id = w.tenant_id AND e.id = w.endpoint_id
     CROSS JOIN LATERAL (
            SELECT q.tenant_id, q.id
              FROM deliveries q
             WHERE q.tenant_id = w.tenant_id AND q.endpoint_id = w.endpoint_id AND q.status = 'pending'
               AND q.lease_until IS NULL AND q.next_at <= now()
             ORDER BY q.next_at LIMIT w.allowed
               FOR UPDATE SKIP LOCKED) d
), claimed AS (
    UPDATE deliveries d
       SET attempts = d.attempts + 1, url = due.url,
           next_at = now() + $4::int8 * interval '1 millisecond',
           lease_until = now() + $4::int8 * interval '1 millisecond'
      FROM due
     WHERE d.tenant_id = due.tenant_id AND d.id = due.id
    RETURNING d.tenant_id, d.id, d.endpoint_id, d.event_id, d.attempts, d.schedule_start, d.max_attempts, due.url,
              due.enabled, due.failing, due.secret_sealed, due.old_secret_sealed
), logged AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, number, started_at)
    SELECT tenant_id, id, attempts, now() FROM claimed
)
SELECT c.tenant_id, c.id, c.endpoint_id, c.event_id, c.attempts, c.schedule_start, c.max_attempts, c.url, c.enabled,
       c.failing, c.secret_sealed, c.old_secret_sealed, s.body, s.request_id, s.traceparent
  FROM claimed c
  LEFT JOIN stored_events s ON s.tenant_id = c.tenant_id AND s.id = c.event_id
