-- The idempotency keys and events of payments :first to :last. Keys are random and live for a day, so all of them are of
-- today. The events' transaction number lies before any that consumers ask for: what is filled in is not news.
SET synchronous_commit = off;
INSERT INTO payments.idempotency_keys (tenant_id, key, hash, method, object_id, http_status, answer, sealed, created_at,
    expires_at)
SELECT :'tenant', md5(s) || '0000', :'hash', '/obol.payments.v1.PaymentService/CreatePayment', 'pay_' || :'stamp' || s, 201,
    :'answer', false, now(), now() + interval '1 day'
FROM (SELECT (:base + n)::text AS s FROM generate_series(:first, :last) AS n) AS numbers
ORDER BY 2;
INSERT INTO payments.events (id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id, traceparent,
    body, payload, xid)
SELECT 'evt_' || :'stamp' || s, :'tenant', 'payment.created', 'pay_' || :'stamp' || s, 'pay_' || :'stamp' || s, 1, :'at',
    'req_' || :'stamp' || s, :'traceparent', :'body', :'payload', '3'
FROM (SELECT (:base + n)::text AS s FROM generate_series(:first, :last) AS n) AS numbers;
