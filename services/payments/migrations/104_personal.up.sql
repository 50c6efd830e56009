-- E-mail address, telephone number, name, VPA and mobile-money number of the payer, sealed. The columns that
-- held them are written no more, and emptied by housekeeping.
ALTER TABLE payments ADD COLUMN personal bytea;
