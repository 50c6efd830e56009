-- Of the connection, not of a transaction: none is left open while a provider is waited for.
SELECT pg_try_advisory_lock(hashtextextended('obol.payments.reconcile/' || $1::text || '/' || $2::text, 0))
