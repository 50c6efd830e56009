-- A refund that has not left, or a tombstone for one that may still come.
INSERT INTO operations AS o (tenant_id, id, payment_id, kind, refund_id, amount, currency, provider,
    status, created_at, finished_at)
VALUES ($1::text, $2::text, $3::text, 'refund', $4::text, 0, '', '', 'released', $5::timestamptz, $5)
ON CONFLICT (tenant_id, refund_id) WHERE refund_id IS NOT NULL
DO UPDATE SET status = CASE WHEN o.status = 'ready' AND o.attempts = 0 THEN 'released' ELSE o.status END,
    due_at = CASE WHEN o.status = 'ready' AND o.attempts = 0 THEN NULL ELSE o.due_at END,
    finished_at = CASE WHEN o.status = 'ready' AND o.attempts = 0 THEN $5 ELSE o.finished_at END,
    revision = o.revision + (o.status = 'ready' AND o.attempts = 0)::int
RETURNING o.id, o.payment_id, o.status, o.amount, o.finished_at = $5
