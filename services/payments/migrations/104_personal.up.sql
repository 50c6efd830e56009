-- E-mail address, telephone number, name, VPA and mobile-money number of the payer, sealed. The columns that
-- held them are written no more, and emptied by housekeeping.
ALTER TABLE payments ADD COLUMN personal bytea;
CREATE INDEX payments_plain ON payments (tenant_id, id)
    WHERE personal IS NULL AND coalesce(vpa, msisdn, customer_email, customer_phone, customer_name) IS NOT NULL;
