-- Of what was taken ($1, each under its lease $2) and is ready: what goes to a credential whose circuit
-- is not closed ($3; '' is the simulator's), beyond the requests that it has room for ($4), is given
-- back and looked at again at $5. What is doubtful is only asked about, and so stays where it is.
WITH shut AS (
    SELECT b.credential_id, b.room FROM unnest($3::text[], $4::bigint[]) AS b(credential_id, room)
), ready AS (
    SELECT o.tenant_id, o.id, s.room,
        row_number() OVER (PARTITION BY s.credential_id ORDER BY o.id) AS place
    FROM unnest($1::text[], $2::timestamptz[]) AS k(id, lease_until)
    JOIN operations_queue q ON q.id = k.id AND q.lease_until = k.lease_until
    JOIN operations o ON o.tenant_id = q.tenant_id AND o.id = q.id AND o.status = 'ready' AND NOT o.doubtful
    JOIN shut s ON s.credential_id = coalesce(o.credential_id, '')
), back AS (
    UPDATE operations_queue q
    SET lease_until = NULL, due_at = $5::timestamptz
    FROM ready r
    WHERE q.id = r.id AND q.tenant_id = r.tenant_id AND r.place > r.room
    RETURNING q.*
)
SELECT
    o.tenant_id, o.id, o.payment_id, o.kind, o.refund_id, o.amount, o.currency, o.provider,
    o.status, o.accepted, o.acting, o.attempts, b.queries, o.revision, b.lease_until, o.sent_at,
    b.due_at, o.deadline_at, o.created_at, o.finished_at, o.error_code, o.error_message,
    o.request_id, o.traceparent, o.credential_id, o.provider_reference, o.stage, b.lease_ms
FROM back b
JOIN operations o ON o.tenant_id = b.tenant_id AND o.id = b.id
