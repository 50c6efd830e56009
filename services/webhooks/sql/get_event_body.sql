SELECT body FROM stored_events WHERE tenant_id = $1::text AND id = $2::text
