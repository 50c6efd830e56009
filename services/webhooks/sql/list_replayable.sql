-- What is on its way to this endpoint already isn't queued a second time. $5 is a floor for the ids, so that
-- older partitions are left alone.
SELECT s.id, s.type, s.payment_id
  FROM stored_events s
 WHERE s.tenant_id = $1::text AND s.id >= $5::text
   AND s.created_at >= $3::timestamptz AND s.created_at < $4::timestamptz
   AND s.type <> 'webhook.test'
   AND $6::text[] && ARRAY['*', s.type, split_part(s.type, '.', 1) || '.*']
   AND NOT EXISTS (SELECT FROM deliveries d
                    WHERE d.tenant_id = s.tenant_id AND d.event_id = s.id AND d.endpoint_id = $2::text
                      AND (d.status = 'pending' OR $7::bool AND d.status = 'delivered'))
   AND (NOT $7::bool
        OR EXISTS (SELECT FROM deliveries d
                    WHERE d.tenant_id = s.tenant_id AND d.event_id = s.id AND d.endpoint_id = $2::text
                      AND d.status = 'failed'))
 ORDER BY s.id
 LIMIT $8::int8
