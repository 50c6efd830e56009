-- Deliveries that wait, counted to 10,001, and since when the oldest of them, found tenant by tenant: ids of
-- deliveries carry their time.
WITH RECURSIVE tenants AS (
    (SELECT q.tenant_id FROM delivery_queue q ORDER BY q.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.tenant_id FROM delivery_queue q
             WHERE q.tenant_id > t.tenant_id ORDER BY q.tenant_id LIMIT 1)
      FROM tenants t
     WHERE t.tenant_id IS NOT NULL
), oldest AS (
    SELECT t.tenant_id, q.delivery_id
      FROM tenants t
     CROSS JOIN LATERAL (
            SELECT d.delivery_id FROM delivery_queue d
             WHERE d.tenant_id = t.tenant_id ORDER BY d.delivery_id LIMIT 1) q
     WHERE t.tenant_id IS NOT NULL
     ORDER BY q.delivery_id
     LIMIT 1
)
SELECT (SELECT count(*) FROM (SELECT FROM delivery_queue LIMIT 10001) waiting),
       (SELECT d.created_at FROM oldest o
          JOIN deliveries d ON d.tenant_id = o.tenant_id AND d.id = o.delivery_id)
