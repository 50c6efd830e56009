-- One tenant's setup is changed by one at a time: what is allowed depends on several rows.
SELECT pg_advisory_xact_lock(hashtextextended('obol.payments.setup/' || $1::text, 0))
