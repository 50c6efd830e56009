-- The charges and audit rows of payments :first to :last.
SET synchronous_commit = off;
INSERT INTO payments.operations (tenant_id, id, payment_id, kind, amount, currency, provider, status, accepted, attempts,
    sent_at, deadline_at, revision, request_id, traceparent, created_at, finished_at)
SELECT :'tenant', 'op_' || :'stamp' || s, 'pay_' || :'stamp' || s, 'charge', 50000, 'INR', 'simulator', 'succeeded', true, 1,
    :'at', :'at', 4, 'req_' || :'stamp' || s, :'traceparent', :'at', :'at'
FROM (SELECT (:base + n)::text AS s FROM generate_series(:first, :last) AS n) AS numbers;
INSERT INTO payments.audit_log (id, tenant_id, at, actor, action, object_id, request_id, after)
SELECT 'audit_' || :'stamp' || s, :'tenant', :'at', 'key_' || :'stamp' || s, 'payment.create', 'pay_' || :'stamp' || s,
    'req_' || :'stamp' || s, :'after'
FROM (SELECT (:base + n)::text AS s FROM generate_series(:first, :last) AS n) AS numbers;
