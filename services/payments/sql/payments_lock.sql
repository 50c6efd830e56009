-- In the order of their keys, so that two workers never lock crosswise.
SELECT
    p.tenant_id, p.id, p.order_id, p.order_own, p.amount, p.currency, p.method, p.vpa,
    p.card_token, p.card_brand, p.card_last4, p.card_expiry_month, p.card_expiry_year, p.capture,
    p.status, p.unknown_operation, p.amount_captured, p.amount_refunded, p.refund_reserved,
    p.provider, p.charge_operation_id, p.action_url, p.sequence, p.error_code, p.error_message,
    p.description, p.customer_email, p.customer_phone, p.customer_name, p.metadata::text,
    p.request_id, p.traceparent, p.created_at, p.updated_at,
    p.credential_id, p.msisdn, p.network, p.return_url, p.earlier_attempts::text, p.personal,
    coalesce(p.test_mode, p.credential_id IS NULL OR NOT (SELECT c.live FROM provider_credentials c
        WHERE c.tenant_id = p.tenant_id AND c.id = p.credential_id), false)
FROM (SELECT DISTINCT k.tenant_id, k.id FROM unnest($1::text[], $2::text[]) AS k(tenant_id,
    id)) AS k
JOIN payments p ON p.tenant_id = k.tenant_id AND p.id = k.id
ORDER BY p.tenant_id, p.id
FOR NO KEY UPDATE OF p
