-- One replica fetches at a time, and only what no other has fetched since the row was seen ($3).
INSERT INTO provider_sessions AS s (credential_id, name, fetching_until)
SELECT $1::text, $2::text, $5::timestamptz
ON CONFLICT (credential_id, name) DO UPDATE SET fetching_until = excluded.fetching_until
WHERE (s.fetching_until IS NULL OR s.fetching_until < $4::timestamptz)
    AND s.granted_at IS NOT DISTINCT FROM $3::timestamptz
RETURNING true
