-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, url, events, description, enabled, disabled_reason, created_at
   FROM endpoints
  WHERE NOT $3::bool AND tenant_id = $1::text AND deleted_at IS NULL
    AND id < $2::text
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, url, events, description, enabled, disabled_reason, created_at
   FROM endpoints
  WHERE $3::bool AND tenant_id = $1::text AND deleted_at IS NULL AND id > $2::text
  ORDER BY id ASC LIMIT $4::int8)
