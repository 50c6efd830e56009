-- What waits for the bus, counted to 10,001, and since when; and how full the server is. Of other
-- roles' sessions an ordinary role sees no more than their number.
SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 10001) waiting),
       (SELECT e.created_at FROM events e WHERE e.id = (SELECT min(event_id) FROM outbox)),
       (SELECT sum(numbackends)::bigint FROM pg_stat_database),
       current_setting('max_connections')::bigint
