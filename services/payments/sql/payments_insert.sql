-- New payments and their charges, which are due at once, but where a person is to look first ($28).
WITH new AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::text[],
        $8::text[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::bigint[],
        $14::bigint[], $15::text[], $16::text[], $17::bytea[], $18::text[],
        $19::text[], $20::text[], $21::text[], $23::text[],
        $24::text[], $25::text[], $26::bigint[], $27::bigint[], $28::boolean[], $29::text[],
        $30::text[], $31::bytea[], $32::boolean[])
        AS u(
        tenant_id, id, operation_id, order_id, order_own, amount, currency, method, personal,
        card_token, card_brand, card_last4, card_expiry_month, card_expiry_year, capture,
        provider, provider_token, description,
        metadata, request_id, traceparent, credential_id, network, return_url, lease_ms,
        sequence, review, error_code, error_message, payer, test_mode)
), charges AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, amount, currency, provider,
        credential_id, provider_token, request_id, traceparent, status, created_at)
    SELECT tenant_id, operation_id, id, 'charge', amount, currency, provider,
        credential_id, provider_token, request_id, traceparent,
        CASE WHEN review THEN 'needs_review' ELSE 'ready' END, $22::timestamptz
    FROM new
), queued AS (
    INSERT INTO operations_queue (tenant_id, id, due_at, lease_ms)
    SELECT tenant_id, operation_id, $22, lease_ms FROM new WHERE NOT review
), reviewed AS (
    INSERT INTO reviews (tenant_id, payment_id, reason, since)
    SELECT tenant_id, id, error_code, $22 FROM new WHERE review
)
INSERT INTO payments (
    tenant_id, id, order_id, order_own, amount, currency, method, personal, card_token, card_brand,
    card_last4, card_expiry_month, card_expiry_year, capture, provider, description,
    metadata, request_id, traceparent,
    charge_operation_id, status, sequence, created_at, updated_at, credential_id, network,
    return_url, error_code, error_message, payer, test_mode)
SELECT
    tenant_id, id, order_id, order_own, amount, currency, method, personal, card_token, card_brand,
    card_last4, nullif(card_expiry_month, 0), nullif(card_expiry_year, 0), capture, provider, description,
    metadata::json, request_id, traceparent,
    operation_id, CASE WHEN review THEN 'needs_review' ELSE 'pending' END, sequence, $22, $22,
    credential_id, network, return_url, error_code, error_message, payer, test_mode
FROM new
