-- $3 set walks from the oldest towards the newest (ending_before); only one branch runs.
(SELECT id, url, events, description, enabled, disabled_reason, created_at
   FROM endpoints
  WHERE $3::text IS NULL AND tenant_id = $1::text AND deleted_at IS NULL
    AND ($2::text IS NULL OR id < $2::text)
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, url, events, description, enabled, disabled_reason, created_at
   FROM endpoints
  WHERE $3::text IS NOT NULL AND tenant_id = $1::text AND deleted_at IS NULL AND id > $3::text
  ORDER BY id ASC LIMIT $4::int8)
