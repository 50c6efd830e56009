-- Endpoints that have pending deliveries, by jumps over the index, each with how many are due (to $4).
WITH RECURSIVE waiting AS (
    (SELECT d.tenant_id, d.endpoint_id, 1 AS n
       FROM deliveries d
      WHERE d.status = 'pending' AND (d.tenant_id, d.endpoint_id) > ($1::text, $2::text)
      ORDER BY d.tenant_id, d.endpoint_id LIMIT 1)
    UNION ALL
    SELECT later.tenant_id, later.endpoint_id, w.n + 1
      FROM waiting w
     CROSS JOIN LATERAL (
            SELECT d.tenant_id, d.endpoint_id
              FROM deliveries d
             WHERE d.status = 'pending' AND (d.tenant_id, d.endpoint_id) > (w.tenant_id, w.endpoint_id)
             ORDER BY d.tenant_id, d.endpoint_id LIMIT 1) later
     WHERE w.n < $3::int8
)
SELECT w.tenant_id, w.endpoint_id, due.n
  FROM waiting w
 CROSS JOIN LATERAL (
        SELECT count(*) AS n
          FROM (SELECT 1
                  FROM deliveries d
                 WHERE d.status = 'pending' AND d.tenant_id = w.tenant_id AND d.endpoint_id = w.endpoint_id
                   AND d.next_at <= now() AND d.lease_until IS NULL
                 LIMIT $4::int8) due) due
 ORDER BY w.tenant_id, w.endpoint_id
