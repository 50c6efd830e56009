// Takes payments' news of refund operations from the bus.
#pragma once
#include "saga.h"

// NULL when it can't start. Stopped with consumer_stop.
struct consumer *intake_start(struct refunds *refunds, int64_t catch_up_s);
