-- Payments :first to :last of a tenant, succeeded, as wide as Obol's own. All ids of a piece begin with its stamp.
SET synchronous_commit = off;
INSERT INTO payments.payments (tenant_id, id, order_id, order_own, amount, currency, method, vpa, card_expiry_month,
    card_expiry_year, capture, status, amount_captured, provider, charge_operation_id, sequence, request_id, traceparent,
    created_at, updated_at)
SELECT :'tenant', 'pay_' || :'stamp' || s, 'o-' || s, false, 50000, 'INR', 'upi', 'success@upi', 0, 0, 'automatic',
    'succeeded', 50000, 'simulator', 'op_' || :'stamp' || s, 4, 'req_' || :'stamp' || s, :'traceparent', :'at', :'at'
FROM (SELECT (:base + n)::text AS s FROM generate_series(:first, :last) AS n) AS numbers;
