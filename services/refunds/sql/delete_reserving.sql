DELETE FROM refunds WHERE tenant_id = $1 AND id = $2 AND status = 'reserving'
