SELECT secret, granted_at, expires_at FROM provider_sessions WHERE credential_id = $1 AND name = $2
