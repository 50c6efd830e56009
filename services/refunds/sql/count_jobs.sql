SELECT count(*) FILTER (WHERE status IN ('reserving', 'pending') AND finished_at IS NULL),
       count(*) FILTER (WHERE status IN ('unknown', 'needs_review') AND finished_at IS NULL),
       count(*) FILTER (WHERE status = 'processed'), count(*) FILTER (WHERE status = 'failed')
FROM refunds
WHERE ($1::text = '' OR tenant_id = $1) AND (finished_at IS NULL OR finished_at > now() - interval '1 day')
