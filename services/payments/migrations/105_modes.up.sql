-- Whose new payments move real money. No row: not settled, the tenant's credentials tell as before.
CREATE TABLE tenant_modes (
    tenant_id text COLLATE "C" PRIMARY KEY,
    test_mode boolean NOT NULL,
    updated_at timestamptz NOT NULL
);
-- A credential that is enabled but not of its tenant's mode is parked: `enabled` is false, so that the version before this one,
-- which knows no modes, does not use it either. That version's own change of it, which moves updated_at, counts for more.
ALTER TABLE provider_credentials ADD COLUMN parked_at timestamptz;
-- NULL: made by the version before this one; the credential tells.
ALTER TABLE payments ADD COLUMN test_mode boolean;

-- The switch that stops new payments. No row: nobody has touched it.
CREATE TABLE payment_creation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    stopped boolean NOT NULL,
    reason text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);
