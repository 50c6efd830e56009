-- Whoever held the lease for too long does not put an older grant over a newer one.
UPDATE provider_sessions
SET secret = $3::bytea, granted_at = $4::timestamptz, expires_at = $5::timestamptz,
    fetching_until = NULL
WHERE credential_id = $1 AND name = $2 AND (granted_at IS NULL OR granted_at <= $4)
