UPDATE payments p
SET personal = k.personal, vpa = NULL, msisdn = NULL, customer_email = NULL, customer_phone = NULL,
    customer_name = NULL
FROM unnest($1::text[], $2::text[], $3::bytea[]) AS k(tenant_id, id, personal)
WHERE p.tenant_id = k.tenant_id AND p.id = k.id
