-- Open refunds, counted to 10,001, and since when the oldest of them.
SELECT count(*), min(open.created_at)
FROM (SELECT r.created_at FROM refunds r WHERE r.finished_at IS NULL LIMIT 10001) open
