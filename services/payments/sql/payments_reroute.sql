-- Charges that did nothing where they were go elsewhere. Rows that payments_update has just written.
UPDATE payments p
SET provider = u.provider, credential_id = u.credential_id,
    earlier_attempts = u.earlier_attempts::json
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS u(tenant_id, id, provider, credential_id, earlier_attempts)
WHERE p.tenant_id = u.tenant_id AND p.id = u.id
