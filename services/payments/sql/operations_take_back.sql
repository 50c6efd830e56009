-- Only what no processor has claimed: a claim commits before anything is sent.
UPDATE operations o
SET status = 'released', due_at = NULL, finished_at = $4::timestamptz, revision = o.revision + 1
WHERE o.tenant_id = $1::text AND o.payment_id = $2::text AND o.id = $3::text
    AND o.status = 'ready' AND o.attempts = 0
