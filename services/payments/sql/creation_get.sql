SELECT stopped, reason, changed_by, changed_at FROM payment_creation
