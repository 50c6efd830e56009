-- Refunds that nobody has been told of yet.
SELECT tenant_id, id FROM refunds WHERE status = 'reserving' ORDER BY id
