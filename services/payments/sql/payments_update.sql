-- Carries the state and sequence that each row leaves.
UPDATE payments p
SET status = u.status, unknown_operation = u.unknown_operation,
    amount_captured = u.amount_captured, amount_refunded = u.amount_refunded,
    refund_reserved = u.refund_reserved, charge_operation_id = u.charge_operation_id,
    action_url = u.action_url, sequence = u.sequence,
    error_code = u.error_code, error_message = u.error_message, updated_at = $14::timestamptz
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::text[],
        $15::text[])
    AS u(tenant_id, id, seen, from_status, status, unknown_operation, amount_captured,
        amount_refunded, refund_reserved, charge_operation_id, action_url, sequence, error_code,
        error_message)
WHERE p.tenant_id = u.tenant_id AND p.id = u.id AND p.sequence = u.seen AND p.status = u.from_status
