SELECT c.tenant_id, c.id, c.provider
FROM provider_credentials c
WHERE c.enabled AND (c.tenant_id, c.id) > ($2::text, $3::text)
    AND NOT EXISTS (
        SELECT 1
        FROM reconciliations r
        WHERE r.tenant_id = c.tenant_id AND r.credential_id = c.id AND r.day = $1::text::date
            AND r.daily
    )
ORDER BY c.tenant_id, c.id
LIMIT 1
