UPDATE endpoints
   SET old_secret_sealed = CASE WHEN $4::timestamptz > now() THEN secret_sealed END,
       old_secret_until = CASE WHEN $4::timestamptz > now() THEN $4::timestamptz END,
       secret_sealed = $3::bytea
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
