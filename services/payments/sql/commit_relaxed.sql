-- This transaction's COMMIT does not wait for the disk: for what would come about without it too.
SELECT set_config('synchronous_commit', 'off', true)
