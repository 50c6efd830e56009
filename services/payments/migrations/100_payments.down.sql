DROP TABLE card_tokens;
DROP TABLE operation_attempts;
DROP TABLE operations;
DROP TABLE payments;
DROP TABLE orders;
