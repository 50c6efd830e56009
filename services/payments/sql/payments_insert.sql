-- New payments and their charges, which are due at once.
WITH new AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::text[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[],
        $14::bigint[], $15::text[], $16::text[], $17::bytea[], $18::text[], $19::text[],
        $20::text[], $21::text[], $22::text[], $23::text[], $24::text[])
        AS u(
        tenant_id, id, operation_id, order_id, order_own, amount, currency, method, vpa,
        card_token, card_brand, card_last4, card_expiry_month, card_expiry_year, capture,
        provider, provider_token, description, customer_email, customer_phone, customer_name,
        metadata, request_id, traceparent)
), charges AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, amount, currency, provider,
        provider_token, request_id, traceparent, created_at)
    SELECT tenant_id, operation_id, id, 'charge', amount, currency, provider,
        provider_token, request_id, traceparent, $25::timestamptz
    FROM new
), queued AS (
    INSERT INTO operations_queue (tenant_id, id, due_at)
    SELECT tenant_id, operation_id, $25 FROM new
)
INSERT INTO payments (
    tenant_id, id, order_id, order_own, amount, currency, method, vpa, card_token, card_brand,
    card_last4, card_expiry_month, card_expiry_year, capture, provider, description,
    customer_email, customer_phone, customer_name, metadata, request_id, traceparent,
    charge_operation_id, status, sequence, created_at, updated_at)
SELECT
    tenant_id, id, order_id, order_own, amount, currency, method, vpa, card_token, card_brand,
    card_last4, nullif(card_expiry_month, 0), nullif(card_expiry_year, 0), capture, provider, description,
    customer_email, customer_phone, customer_name, metadata::json, request_id, traceparent,
    operation_id, 'pending', 1, $25, $25
FROM new
