SELECT pg_advisory_unlock(hashtextextended('obol.payments.reconcile/' || $1::text || '/' || $2::text, 0))
