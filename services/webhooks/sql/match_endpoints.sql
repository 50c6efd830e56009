-- Held until the deliveries are in: whoever disables an endpoint then sees them and fails them.
SELECT tenant_id, id, url, events
  FROM endpoints
 WHERE tenant_id = ANY ($1::text[]) AND enabled AND deleted_at IS NULL
 ORDER BY tenant_id, id
   FOR SHARE
