// Giving an endpoint up: it is disabled, its pending deliveries fail, and the tenant's other
// endpoints are told (webhook_endpoint.disabled); one transaction.
#pragma once
#include "base/bell.h"
#include "db/db.h"
#include "queue.h"

// OK also when it was disabled or deleted before. The bell is rung when an event was committed.
MUST_USE enum status endpoint_disable(struct db *db, struct arena *arena, struct bell *outbox_bell,
                                      struct endpoint_key endpoint, const char *reason);
