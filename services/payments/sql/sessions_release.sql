UPDATE provider_sessions
SET fetching_until = NULL
WHERE credential_id = $1 AND name = $2 AND fetching_until = $3::timestamptz
