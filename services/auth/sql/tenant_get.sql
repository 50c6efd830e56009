SELECT id, name, test_mode, created_at
FROM tenants
WHERE id = $1::text
