SELECT e.tenant_id, e.id
  FROM unnest($1::text[], $2::text[], $3::bool[]) AS o (tenant_id, id, worked)
  JOIN endpoints e ON e.tenant_id = o.tenant_id AND e.id = o.id
 WHERE NOT o.worked AND e.enabled AND e.deleted_at IS NULL AND e.failing_since <= $4::timestamptz
