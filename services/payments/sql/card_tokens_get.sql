SELECT t.provider, t.provider_token, t.brand, t.last4, t.expiry_month, t.expiry_year, k.place,
    t.credential_id, t.fingerprint
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(tenant_id, id, place)
JOIN card_tokens t ON t.tenant_id = k.tenant_id AND t.id = k.id AND t.expires_at > $3::timestamptz
