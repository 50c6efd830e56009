-- Endpoints with something in the queue, by jumps over the index, each with how many are due (to $4), whether the
-- lease of one has run out, and where its rows begin, so that nobody steps over the index entries of rows that are
-- gone a second time. Rows are leased in the order of next_at, so a lost one comes to the front.
WITH RECURSIVE waiting AS (
    (SELECT q.tenant_id, q.endpoint_id, q.next_at, 1 AS n
       FROM delivery_queue q
      WHERE (q.tenant_id, q.endpoint_id) > ($1::text, $2::text)
      ORDER BY q.tenant_id, q.endpoint_id, q.next_at LIMIT 1)
    UNION ALL
    SELECT later.tenant_id, later.endpoint_id, later.next_at, w.n + 1
      FROM waiting w
     CROSS JOIN LATERAL (
            SELECT q.tenant_id, q.endpoint_id, q.next_at
              FROM delivery_queue q
             WHERE (q.tenant_id, q.endpoint_id) > (w.tenant_id, w.endpoint_id)
             ORDER BY q.tenant_id, q.endpoint_id, q.next_at LIMIT 1) later
     WHERE w.n < $3::int8
)
SELECT w.tenant_id, w.endpoint_id, head.due, head.lost, w.next_at
  FROM waiting w
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE front.lease_until IS NULL) AS due,
               coalesce(bool_or(front.lease_until IS NOT NULL), false) AS lost
          FROM (SELECT q.lease_until
                  FROM delivery_queue q
                 WHERE q.tenant_id = w.tenant_id AND q.endpoint_id = w.endpoint_id
                   AND q.next_at >= w.next_at AND q.next_at <= now()
                   AND (q.lease_until IS NULL OR q.lease_until < now())
                 ORDER BY q.next_at LIMIT $4::int8) front) head
 ORDER BY w.tenant_id, w.endpoint_id
