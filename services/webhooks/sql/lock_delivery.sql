SELECT e.enabled, e.deleted_at IS NOT NULL AS deleted,
       EXISTS (SELECT FROM stored_events s WHERE s.tenant_id = d.tenant_id AND s.id = d.event_id) AS kept
  FROM deliveries d
  JOIN endpoints e ON e.tenant_id = d.tenant_id AND e.id = d.endpoint_id
 WHERE d.tenant_id = $1::text AND d.id = $2::text
   FOR UPDATE OF d
