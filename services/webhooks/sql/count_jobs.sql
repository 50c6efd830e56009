-- Waiting, being sent, and delivered and failed since $2; each counted to 100,000. The last two are counted over each
-- tenant's newest 100,000 deliveries with ids from $3 on.
SELECT (SELECT count(*) FROM (SELECT FROM delivery_queue
         WHERE lease_until IS NULL AND ($1::text = '' OR tenant_id = $1::text) LIMIT 100000) waiting),
       (SELECT count(*) FROM (SELECT FROM delivery_queue
         WHERE lease_until IS NOT NULL AND ($1::text = '' OR tenant_id = $1::text) LIMIT 100000) leased),
       least(100000, count(*) FILTER (WHERE newest.status = 'delivered')),
       least(100000, count(*) FILTER (WHERE newest.status = 'failed'))
  FROM (SELECT DISTINCT tenant_id FROM endpoints WHERE $1::text = '' OR tenant_id = $1::text) known
 CROSS JOIN LATERAL (
        SELECT d.status, d.finished_at
          FROM deliveries d
         WHERE d.tenant_id = known.tenant_id AND d.id >= $3::text
         ORDER BY d.id DESC LIMIT 100000) newest
 WHERE newest.finished_at >= $2::timestamptz
