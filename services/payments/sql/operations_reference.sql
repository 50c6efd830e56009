SELECT o.provider_reference FROM operations o WHERE o.tenant_id = $1::text AND o.id = $2::text
