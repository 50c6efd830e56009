-- The row stays for the delivery log; its secrets do not.
UPDATE endpoints
   SET deleted_at = now(), enabled = false, disabled_reason = 'The endpoint was deleted.',
       secret_sealed = ''::bytea, old_secret_sealed = NULL, old_secret_until = NULL
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
