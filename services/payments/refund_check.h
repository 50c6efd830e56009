// Whether the provider of a payment can give this back: asked before anything is accepted.
#pragma once
#include "payment.h"
#include "service/service.h"

// Reads the charge, in the caller's transaction. *problem: 422 refund_partial_unsupported, or what
// the provider's adapter says; 503 where it can't be looked up.
MUST_USE enum status refund_check(const struct worker *worker, struct arena *arena,
                                  const struct payment *payment, int64_t amount,
                                  struct problem *problem);
