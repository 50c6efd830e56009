-- What a person has decided about.
UPDATE operations o
SET status = $3::text, due_at = NULL, lease_until = NULL, deadline_at = NULL, acting = false,
    finished_at = $4::timestamptz, revision = o.revision + 1,
    error_code = CASE WHEN $3 = 'failed' THEN 'resolved' END
WHERE o.tenant_id = $1::text AND o.payment_id = $2::text
    AND o.kind IN ('charge', 'capture', 'cancel')
    AND o.status IN ('ready', 'sent', 'unknown', 'needs_review')
RETURNING o.kind, o.amount
