DELETE FROM provider_routes WHERE tenant_id = $1::text
