-- Payers' data as earlier versions kept it.
SELECT tenant_id, id, vpa, msisdn, customer_email, customer_phone, customer_name
FROM payments
WHERE personal IS NULL AND coalesce(vpa, msisdn, customer_email, customer_phone, customer_name) IS NOT NULL
ORDER BY tenant_id, id
LIMIT $1
FOR NO KEY UPDATE SKIP LOCKED
