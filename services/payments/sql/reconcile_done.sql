SELECT EXISTS (
    SELECT 1
    FROM reconciliations r
    WHERE r.tenant_id = $1::text AND r.credential_id = $2::text AND r.day = $3::text::date AND r.daily
)
