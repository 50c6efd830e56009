-- Waiting, being sent, and delivered and failed since $2; each counted to 100,000.
SELECT (SELECT count(*) FROM (SELECT FROM deliveries
         WHERE status = 'pending' AND lease_until IS NULL AND ($1::text = '' OR tenant_id = $1::text)
         LIMIT 100000) waiting),
       (SELECT count(*) FROM (SELECT FROM deliveries
         WHERE status = 'pending' AND lease_until IS NOT NULL AND ($1::text = '' OR tenant_id = $1::text)
         LIMIT 100000) leased),
       (SELECT count(*) FROM (SELECT FROM deliveries
         WHERE status = 'delivered' AND finished_at >= $2::timestamptz AND ($1::text = '' OR tenant_id = $1::text)
         LIMIT 100000) delivered),
       (SELECT count(*) FROM (SELECT FROM deliveries
         WHERE status = 'failed' AND finished_at >= $2::timestamptz AND ($1::text = '' OR tenant_id = $1::text)
         LIMIT 100000) failed)
