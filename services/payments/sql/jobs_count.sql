-- $1: a tenant, or '' for all; $2: the last day's begin.
SELECT
    (SELECT count(*) FROM operations_queue q JOIN operations o ON o.tenant_id = q.tenant_id
        AND o.id = q.id WHERE ($1::text = '' OR q.tenant_id = $1) AND o.status = 'ready'),
    (SELECT count(*) FROM operations_queue q JOIN operations o ON o.tenant_id = q.tenant_id
        AND o.id = q.id WHERE ($1 = '' OR q.tenant_id = $1) AND o.status IN ('sent', 'unknown')),
    (SELECT count(*) FROM operations o WHERE ($1 = '' OR o.tenant_id = $1)
        AND o.finished_at > $2::timestamptz AND o.status = 'succeeded'),
    (SELECT count(*) FROM operations o WHERE ($1 = '' OR o.tenant_id = $1)
        AND o.finished_at > $2 AND o.status = 'failed')
