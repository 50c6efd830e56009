-- Payments whose sums disagree with their operations, and operations under way that nothing will look at.
SELECT
    (SELECT count(*) FROM payments p WHERE p.amount_refunded <> coalesce((SELECT sum(o.amount)
        FROM operations o WHERE o.tenant_id = p.tenant_id AND o.payment_id = p.id
            AND o.kind = 'refund' AND o.status = 'succeeded'), 0)),
    (SELECT count(*) FROM payments p WHERE (p.amount_captured > 0) <> (p.status = 'succeeded')),
    (SELECT count(*) FROM operations o WHERE o.status IN ('ready', 'sent', 'unknown')
        AND o.finished_at IS NULL
        AND NOT EXISTS (SELECT FROM operations_queue q WHERE q.id = o.id)),
    (SELECT count(*) FROM outbox b WHERE NOT EXISTS (SELECT FROM events e WHERE e.id = b.event_id))
