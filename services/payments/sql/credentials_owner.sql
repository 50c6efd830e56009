SELECT tenant_id FROM provider_credentials WHERE id = $1::text
