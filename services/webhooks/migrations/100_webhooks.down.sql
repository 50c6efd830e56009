DROP TABLE delivery_attempts;
DROP TABLE deliveries;
DROP TABLE stored_events;
DROP TABLE endpoints;
