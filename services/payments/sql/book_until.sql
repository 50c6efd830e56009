-- How far our books were read for the newest file of the day before $4.
SELECT r.until_at
FROM reconciliations r
WHERE r.tenant_id = $1::text AND r.provider = $2::text
    AND r.credential_id IS NOT DISTINCT FROM $3::text AND r.day = $4::text::date - 1
    AND r.source = 'csv'
ORDER BY r.created_at DESC, r.id DESC
LIMIT 1
