-- Endpoints of one tenant are made one at a time, so that their number can be bounded.
SELECT pg_advisory_xact_lock(hashtextextended('obol.webhooks.endpoints/' || $1::text, 0))
