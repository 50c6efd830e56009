-- The same rows in one statement, which is its own transaction: the strongest way to write them one payment at a time.
\set n :n + 1
\set s :base + :n * 100000000 + :client_id * 1000000 + random(0, 999999)
\set key_high random(100000000000000000, 999999999999999999)
\set key_low random(100000000000000000, 999999999999999999)
WITH new_keys AS (
    INSERT INTO payments.idempotency_keys (tenant_id, key, hash, method, object_id, http_status, answer, sealed, created_at,
        expires_at)
    VALUES (:tenant, :key_high || :key_low, :hash, '/obol.payments.v1.PaymentService/CreatePayment',
        'pay_' || :stamp || :s, 201, :answer, false, now(), now() + interval '1 day')
    ON CONFLICT (tenant_id, key) DO NOTHING
), new_payments AS (
    INSERT INTO payments.payments (tenant_id, id, order_id, order_own, amount, currency, method, vpa, capture, provider, request_id, traceparent, charge_operation_id, status, sequence, created_at,
        updated_at)
    VALUES (:tenant, 'pay_' || :stamp || :s, 'o-' || :s, false, 50000, 'INR', 'upi', 'success@upi', 'automatic',
        'simulator', 'req_' || :stamp || :s, :traceparent, 'op_' || :stamp || :s, 'pending', 1, now(), now())
), new_operations AS (
    INSERT INTO payments.operations (tenant_id, id, payment_id, kind, amount, currency, provider, request_id,
        traceparent, created_at)
    VALUES (:tenant, 'op_' || :stamp || :s, 'pay_' || :stamp || :s, 'charge', 50000, 'INR', 'simulator',
        'req_' || :stamp || :s, :traceparent, now())
), new_queued AS (
    INSERT INTO payments.operations_queue (tenant_id, id, due_at) VALUES (:tenant, 'op_' || :stamp || :s, now())
), new_events AS (
    INSERT INTO payments.events (id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id, traceparent,
        body, payload)
    VALUES ('evt_' || :stamp || :s, :tenant, 'payment.created', 'pay_' || :stamp || :s, 'pay_' || :stamp || :s, 1, now(),
        'req_' || :stamp || :s, :traceparent, :body, :payload)
), new_outbox AS (
    INSERT INTO payments.outbox (event_id) VALUES ('evt_' || :stamp || :s)
)
INSERT INTO payments.audit_log (id, tenant_id, actor, action, object_id, request_id, after)
VALUES ('audit_' || :stamp || :s, :tenant, 'key_' || :stamp || :s, 'payment.create', 'pay_' || :stamp || :s,
    'req_' || :stamp || :s, :after);
