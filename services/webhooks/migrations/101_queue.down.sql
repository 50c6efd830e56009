DROP FUNCTION deliveries_make_room();
DROP VIEW deliveries_shown;
ALTER TABLE deliveries
    ADD COLUMN schedule_start integer NOT NULL DEFAULT 0,
    ADD COLUMN next_at timestamptz,
    ADD COLUMN lease_until timestamptz;
UPDATE deliveries d
   SET attempts = q.attempts, schedule_start = q.schedule_start, max_attempts = q.max_attempts,
       next_at = coalesce(q.lease_until, q.next_at), lease_until = q.lease_until
  FROM delivery_queue q
 WHERE d.tenant_id = q.tenant_id AND d.id = q.delivery_id;
INSERT INTO delivery_attempts (tenant_id, delivery_id, number, started_at)
SELECT tenant_id, delivery_id, attempts, started_at FROM delivery_queue WHERE lease_until IS NOT NULL
ON CONFLICT DO NOTHING;
DROP TABLE delivery_queue;
ALTER TABLE deliveries ADD CHECK (status <> 'pending' OR next_at IS NOT NULL);
CREATE INDEX deliveries_waiting ON deliveries (tenant_id, endpoint_id, next_at) WHERE status = 'pending';
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE status = 'pending' AND lease_until IS NOT NULL;
CREATE INDEX deliveries_finished ON deliveries (status, finished_at) WHERE finished_at IS NOT NULL;
