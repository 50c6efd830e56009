-- The mode, and the credentials that it uses; the others are parked. The caller has the setup's lock.
WITH mode AS (
    INSERT INTO tenant_modes (tenant_id, test_mode, updated_at)
    VALUES ($1::text, $2::bool, $3::timestamptz)
    ON CONFLICT (tenant_id) DO UPDATE
       SET test_mode = excluded.test_mode, updated_at = excluded.updated_at
)
UPDATE provider_credentials
   SET enabled = live <> $2, parked_at = CASE WHEN live = $2 THEN updated_at END
 WHERE tenant_id = $1 AND (enabled OR coalesce(parked_at >= updated_at, false))
