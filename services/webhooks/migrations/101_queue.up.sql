-- A narrow queue beside the wide log: what is pending, until it is delivered or has failed for good. An attempt
-- changes its row here and the log's row once, at its end. A claim changes no column that an index holds: a row keeps
-- its place by next_at while it is leased. Rows live for milliseconds, so it is vacuumed early and often.
CREATE TABLE delivery_queue (
    tenant_id text COLLATE "C" NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    schedule_start integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    next_at timestamptz NOT NULL,
    started_at timestamptz,           -- of the attempt under way
    lease_until timestamptz,
    PRIMARY KEY (tenant_id, delivery_id),
    CHECK ((started_at IS NULL) = (lease_until IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

INSERT INTO delivery_queue (tenant_id, delivery_id, endpoint_id, event_id, attempts, schedule_start, max_attempts,
                            next_at, started_at, lease_until)
SELECT d.tenant_id, d.id, d.endpoint_id, d.event_id, d.attempts, d.schedule_start, d.max_attempts,
       CASE WHEN d.lease_until IS NULL THEN d.next_at ELSE least(d.next_at, now()) END,
       CASE WHEN d.lease_until IS NOT NULL THEN coalesce(a.started_at, now()) END, d.lease_until
  FROM deliveries d
  LEFT JOIN delivery_attempts a ON a.tenant_id = d.tenant_id AND a.delivery_id = d.id AND a.number = d.attempts
 WHERE d.status = 'pending';
CREATE INDEX delivery_queue_due ON delivery_queue (tenant_id, endpoint_id, next_at);

-- An attempt under way stands in the queue; it is logged when it is over.
DELETE FROM delivery_attempts a
 USING delivery_queue q
 WHERE a.tenant_id = q.tenant_id AND a.delivery_id = q.delivery_id AND a.number = q.attempts
   AND q.lease_until IS NOT NULL AND a.duration_us IS NULL;

DROP INDEX deliveries_waiting, deliveries_leased, deliveries_finished;
ALTER TABLE deliveries DROP COLUMN schedule_start, DROP COLUMN next_at, DROP COLUMN lease_until;

-- Deliveries as they are shown: with what the queue knows of those that are pending. No time is shown for an attempt
-- that is under way, nor for one that was due before its delivery was made.
CREATE VIEW deliveries_shown AS
SELECT d.tenant_id, d.id, d.endpoint_id, d.event_type, d.event_id, d.payment_id, d.url, d.status,
       coalesce(q.attempts, d.attempts) AS attempts, d.max_attempts, d.response_code, d.response_body, d.last_error,
       CASE WHEN d.status = 'pending' AND q.lease_until IS NULL AND q.next_at > d.created_at - interval '1 day'
            THEN q.next_at END AS next_at,
       d.created_at, d.delivered_at
  FROM deliveries d
  LEFT JOIN delivery_queue q ON q.tenant_id = d.tenant_id AND q.delivery_id = d.id;

-- Leaves room in the pages of deliveries, so that the row written at an attempt's end lies beside the one from the
-- intake and the indexes need no new entries. A partitioned table hands no such setting down. How many were set.
CREATE FUNCTION deliveries_make_room() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    partition regclass;
    n bigint := 0;
BEGIN
    FOR partition IN
        SELECT c.oid::regclass
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('deliveries')
          AND NOT coalesce(c.reloptions @> ARRAY['fillfactor=45'], false)
    LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 45)', partition);
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;
SELECT deliveries_make_room();
