DELETE FROM tenant_limits WHERE tenant_id = $1::text AND currency = $2::text
