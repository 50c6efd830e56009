// The operations port of a program, never public: /health/live (its loops come round),
// /health/ready (it can do its work), /health (each dependency's state) and /metrics (Prometheus
// text).
#pragma once
#include "http/server.h"
#include "obs/health.h"

// address is "host:port"; "" starts nothing and gives NULL. health is borrowed until
// http_server_stop.
MUST_USE enum status ops_start(const char *address, struct health *health,
                               struct http_server **ret);
// "host:port" into its parts; false when malformed. host: at most size bytes with the NUL.
bool ops_split_address(const char *address, char *host, size_t size, uint16_t *ret_port);
