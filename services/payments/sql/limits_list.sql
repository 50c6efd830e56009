SELECT currency, minimum, maximum, daily, review_above
  FROM tenant_limits
 WHERE tenant_id = $1::text
 ORDER BY currency
