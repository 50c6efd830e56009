-- The row of a payment with the columns that the service reads, by primary key.
\set s :base + random(1, :n_max)
SELECT p.tenant_id, p.id, p.order_id, p.order_own, p.amount, p.currency, p.method, p.vpa, p.card_token, p.card_brand,
    p.card_last4, p.card_expiry_month, p.card_expiry_year, p.capture, p.status, p.unknown_operation, p.amount_captured,
    p.amount_refunded, p.refund_reserved, p.provider, p.charge_operation_id, p.action_url, p.sequence, p.error_code,
    p.error_message, p.description, p.customer_email, p.customer_phone, p.customer_name, p.metadata::text, p.request_id,
    p.traceparent, p.created_at, p.updated_at
FROM payments.payments p
WHERE p.tenant_id = :tenant AND p.id = 'pay_' || :stamp || :s;
