// One request to a provider, waited for, by a thread that may wait.
#pragma once
#include "http/client.h"

// False when there was no response until the deadline (clock_now_ns), or it could not be begun. The
// request's own times are cut to the deadline.
bool fetch_once(struct arena *arena, const struct http_request *request, int64_t deadline_ns,
                struct http_response *ret);
